// LogLine: what happened and its facts as one line, for people or as JSON for collectors. Pure.
//
// Facts may come from peers (an address, a path): whatever their bytes, a line stays one line, cannot move a terminal's
// cursor and is valid UTF-8. Payloads are never logged.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "broker/config.h"

namespace ringcast::broker {

// One fact beside a log line's text: {"peer", "127.0.0.1:4711"}, {"size_bytes", 17}. Borrowed for the call.
class LogField {
 public:
  LogField(std::string_view name, std::string_view text) : name_(name), text_(text) {}
  LogField(std::string_view name, std::integral auto value)
      : name_(name), number_(static_cast<std::int64_t>(value)), is_number_(true) {}

  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] bool is_number() const noexcept { return is_number_; }
  [[nodiscard]] std::int64_t number() const noexcept { return number_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }

 private:
  std::string_view name_;
  std::string_view text_;
  std::int64_t number_ = 0;
  bool is_number_ = false;
};

using LogFields = std::initializer_list<LogField>;

inline constexpr std::size_t kLogFactBytesMax = 512;  // of one text: a topic's name may have 1,024, a URL 16 KiB

// Text: `ready listen=127.0.0.1:8080 shards=4`. JSON: `"message":"ready","listen":"127.0.0.1:8080","shards":4`, which
// Log puts between the time and the closing brace. A longer text ends with "…".
[[nodiscard]] std::string log_line(LogFormat format, std::string_view text, std::span<const LogField> fields);
[[nodiscard]] inline std::string log_line(LogFormat format, std::string_view text, LogFields fields) {
  return log_line(format, text, std::span<const LogField>{fields.begin(), fields.size()});
}

}  // namespace ringcast::broker
