#include "client/progress_line.h"

#include <unistd.h>

#include <cstdio>

namespace ringcast::client {

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string count_text(std::uint64_t messages, std::int64_t milliseconds) {
  char seconds[32];
  std::snprintf(seconds, sizeof(seconds), "%.1f", static_cast<double>(milliseconds) / 1000);
  std::string text = with_commas(messages) + (messages == 1 ? " message in " : " messages in ") + seconds + " s";
  if (milliseconds <= 0) return text;
  const auto rate =
      static_cast<std::uint64_t>(static_cast<double>(messages) * 1000 / static_cast<double>(milliseconds));
  return text + " (" + with_commas(rate) + "/s)";
}

ProgressLine::ProgressLine(Progress progress)
    : live_(progress == Progress::always || (progress == Progress::automatic && ::isatty(STDERR_FILENO) == 1)),
      quiet_(progress == Progress::never) {}

bool ProgressLine::due(std::int64_t now_ms) {
  if (!live_ || now_ms < next_ms_) return false;
  next_ms_ = now_ms + kIntervalMs;
  return true;
}

void ProgressLine::show(std::string_view text) {
  open_ = true;
  std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(text.size()), text.data());
}

void ProgressLine::finish(std::string_view text) {
  if (quiet_) return;
  std::fprintf(stderr, "%s%.*s\n", open_ ? "\r\033[K" : "", static_cast<int>(text.size()), text.data());
  open_ = false;
}

}  // namespace ringcast::client
