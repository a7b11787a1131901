// sub: `ringcast sub FILTER…` prints what is published, one message a line, until interrupted or `--count` is reached.
//
// One connection of the full protocol, taken up again when it is lost, and gone on with where it was; what came of
// that, and when it is too slow, is told on stderr. A line is the payload, after the topic and a tab unless there is
// one filter that is a topic; binary payloads as "base64:" and their base64. A message that several filters match is
// printed once. Text with line breaks in it is only one line with `--json`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/pub.h"
#include "client/ringcast.h"

namespace ringcast::client {

enum class LineFormat : std::uint8_t {
  plain,
  json,  // {"topic":"a/b","seq":7,"time_us":1785000000000000,"text":"…"}, or "json" or "base64"
};

struct SubOptions {
  std::string url = kDefaultUrl;
  TlsFiles tls;                        // for https:// and wss://
  std::string token = {};              // who subscribes; empty: nobody in particular
  std::vector<std::string> filters;    // as typed: "ticker/+/AAPL", "iot/#"
  SubscribeOptions start;              // --start, --since, --latest, --rate, --on-lag
  std::string resume_file;             // goes on where an earlier run ended; empty: none
  std::optional<std::uint64_t> count;  // ends after so many messages, of all filters together
  std::int64_t timeout_ms = 0;         // ends after so long, as a failure if there is a count; 0: never
  LineFormat format = LineFormat::plain;
  bool latency = false;            // --latency: a summary at the end, from the broker's clock to this machine's
  std::int64_t retry_ms = 60'000;  // how long a lost connection may take to come back; 0: its loss is the end
  Progress progress = Progress::automatic;  // the summary at the end: messages, seconds, messages per second
};

// "now", "last" or "last:N".
[[nodiscard]] std::expected<SubscribeOptions, Error> parse_start(std::string_view text);

// --since: begins with what was published in the last `since_ms`, by this machine's clock.
[[nodiscard]] SubscribeOptions start_since(std::int64_t since_ms);

// What goes with each other of --latest, --rate and --on-lag, as they were typed; empty: not given. Put into `options`.
struct DeliveryWords {
  bool latest = false;
  std::string_view rate;
  std::string_view on_lag;
};
[[nodiscard]] std::expected<SubscribeOptions, Error> with_delivery(SubscribeOptions options,
                                                                   const DeliveryWords& words);

// Does it. Gives back the exit code (client/exit_code.h); what went wrong is one line on stderr.
[[nodiscard]] int run_sub(const SubOptions& options);

}  // namespace ringcast::client
