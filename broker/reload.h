// Reload: the configuration read again while the broker runs. All of it is checked first; then all is put in place, or
// nothing.
//
// Pure: main.cc reads the file and logs the report. Thread: main's.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/option.h"

namespace ringcast::broker {

// A part of the broker that takes a new configuration: the shards, the log, and whatever is read from files that
// options name. All parts check before the first one is asked to apply.
struct ReloadablePart {
  std::string_view name;
  // Reads what it needs and keeps it for apply(); changes nothing. Lines for the report of what will be other than
  // before, besides the options; the error is what is wrong, with its place and the remedy.
  std::function<std::expected<std::vector<std::string>, std::string>(const Config& next)> check;
  // Puts in place what check() has found right; cannot fail. Lines for the report, if there is anything to say.
  std::function<std::vector<std::string>(const Config& next)> apply;
};

struct ReloadReport {
  struct Change {
    std::string option;
    std::string from;
    std::string to;
  };
  std::string errors;  // one a line; not empty: nothing was changed, and the rest is empty
  std::vector<Change> changed;
  std::vector<Change> needs_restart;  // what the configuration says, and a reload cannot do
  std::vector<std::string> notes;     // what the parts say

  [[nodiscard]] bool applied() const noexcept { return errors.empty(); }
};

// Takes over into `running` what can be taken over of `wanted`, the configuration as it was read anew or what is wrong
// with it, if every part finds that right.
[[nodiscard]] ReloadReport reload(const std::expected<Options, std::string>& wanted,
                                  std::span<const ReloadablePart> parts, Options& running);

// The report as POST /api/v1/reload answers it, with 200 or kBadConfiguration; and a change for people:
// "max-connections: 10000 -> 20000".
inline constexpr std::uint16_t kBadConfiguration = 422;  // the request was right, what it asks for is not
[[nodiscard]] std::string report_json(const ReloadReport& report);
[[nodiscard]] std::string change_text(const ReloadReport::Change& change);

[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);

}  // namespace ringcast::broker
