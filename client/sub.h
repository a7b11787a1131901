// sub: `ringcast sub FILTER…` prints what is published, one message a line, until interrupted or `--count` is reached.
//
// One raw WebSocket per filter. Raw messages do not say their topic, so with several filters each line begins with the
// filter it came by and a tab; order is kept within a filter, not between filters. A text message is printed as it is;
// a binary one as "base64:" and its base64. Text with line breaks in it is only one line with `--json`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/pub.h"

namespace ringcast::client {

enum class StartWith : std::uint8_t { live, last };  // last: begins with the last values of the topics that match

enum class LineFormat : std::uint8_t {
  plain,  // the message, after the filter and a tab where there are several filters
  json,   // {"filter":"ticker/#","text":"…"} or {"filter":"ticker/#","base64":"…"}
};

struct SubOptions {
  std::string url = kDefaultUrl;
  std::vector<std::string> filters;    // as typed: "ticker/+/AAPL", "iot/#"; percent-encoded on the way
  StartWith start = StartWith::live;   // --last
  std::optional<std::uint64_t> count;  // ends after so many messages, of all filters together
  LineFormat format = LineFormat::plain;
  Progress progress = Progress::automatic;  // the summary at the end: messages, seconds, messages per second
};

// Does it. Gives back the exit code (client/exit_code.h); what went wrong is one line on stderr.
[[nodiscard]] int run_sub(const SubOptions& options);

}  // namespace ringcast::client
