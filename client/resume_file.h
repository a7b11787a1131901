// ResumeFile: where `ringcast sub --resume-file` keeps up to where it has printed, over restarts of the program.
//
// A line for each filter: the filter, a tab, ResumePoint::to_text(). Filters hold no control characters. Written whole,
// beside the file, and put in its place in one step: what is there is always a whole one.
// Thread: one.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "client/error.h"
#include "client/ringcast.h"

namespace ringcast::client {

class ResumeFile {
 public:
  static constexpr std::int64_t kSaveIntervalMs = 1'000;          // what a kill -9 may have printed again
  static constexpr std::size_t kSizeMax = std::size_t{16} << 20;  // bytes: a thousand filters with 64 shards have 2 MiB

  using Points = std::map<std::string, ResumePoint, std::less<>>;  // by filter

  // Reads it; one that is not there yet is empty. Fails for one that holds something else.
  [[nodiscard]] static std::expected<ResumeFile, Error> open(std::string path);

  // Null if it has none for this filter.
  [[nodiscard]] const ResumePoint* find(std::string_view filter) const;

  // Keeps `points`; those of other filters stay. Does nothing if that changes nothing.
  [[nodiscard]] std::expected<void, Error> save(const Points& points);

  // Of a file's text; for tests. Nothing if a line is none.
  [[nodiscard]] static std::optional<Points> parse(std::string_view text);
  [[nodiscard]] static std::string to_text(const Points& points);

 private:
  std::string path_;
  Points points_;
};

}  // namespace ringcast::client
