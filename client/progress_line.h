// ProgressLine: one line on stderr that is written over while a command works, where a person looks on.
//
// Thread: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/pub.h"

namespace ringcast::client {

// 1234567 as "1,234,567".
[[nodiscard]] std::string with_commas(std::uint64_t number);

// What a command did: "1,234 messages in 2.1 s (588/s)".
[[nodiscard]] std::string count_text(std::uint64_t messages, std::int64_t milliseconds);

class ProgressLine {
 public:
  static constexpr std::int64_t kIntervalMs = 250;  // as often as a person can read a number

  explicit ProgressLine(Progress progress);

  // True at most every kIntervalMs, and only where the line is shown: the caller makes its text then.
  [[nodiscard]] bool due(std::int64_t now_ms);
  void show(std::string_view text);

  // Ends the line with a summary; without an open line, prints it alone unless progress is `never`.
  void finish(std::string_view text);

 private:
  bool live_;
  bool quiet_;
  bool open_ = false;
  std::int64_t next_ms_ = 0;
};

}  // namespace ringcast::client
