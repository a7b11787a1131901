// pub: `ringcast pub TOPIC [PAYLOAD|-]` publishes one message, one message many times, or the lines of standard input.
//
// By default over the full protocol, with the client library: each message is acknowledged, up to a window of them at a
// time, and a lost connection is taken up again. Exit code 0 means that the broker has sequenced all of them. With
// `--acks none` it is one raw WebSocket with `mode=pub`: 0 means then that the broker has read all of it.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "client/error.h"
#include "client/exit_code.h"
#include "client/url.h"

namespace ringcast::client {

enum class Progress : std::uint8_t { automatic, always, never };  // automatic: when stderr is a terminal

enum class PayloadKind : std::uint8_t { text, binary };

enum class Acks : std::uint8_t { each, none };

inline constexpr const char* kDefaultUrl = "http://127.0.0.1:8080";

struct PubOptions {
  std::string url = kDefaultUrl;       // http://host:port or ws://host:port, with the broker's base path if it has one
  TlsFiles tls;                        // for https:// and wss://
  std::string token = {};              // who publishes; empty: nobody in particular
  std::string topic;                   // no wildcards
  std::optional<std::string> payload;  // none or "-": each line of standard input is a message
  double rate_hz = 0;                  // messages per second; 0: as fast as the broker takes them
  std::optional<std::uint64_t> count;  // how many messages; none: all lines, or one, or with --rate without end
  PayloadKind kind = PayloadKind::text;  // --binary: sent as binary; lines that are not UTF-8 need it
  Acks acks = Acks::each;
  bool json = false;               // --json: each result is printed as one JSON object
  std::int64_t retry_ms = 60'000;  // how long a lost connection may take to come back; 0: its loss is the end
  Progress progress = Progress::automatic;

  [[nodiscard]] bool reads_input() const { return !payload || *payload == "-"; }
  // One message, whose result is always printed.
  [[nodiscard]] bool single() const { return !reads_input() && !count && rate_hz <= 0; }
};

// Does it. Gives back the exit code (client/exit_code.h); what went wrong is one line on stderr.
[[nodiscard]] int run_pub(const PubOptions& options);

// The part of it for each kind of acks.
[[nodiscard]] std::expected<ExitCode, Error> publish_acked(const PubOptions& options);
[[nodiscard]] std::expected<ExitCode, Error> publish_raw(const Url& url, const PubOptions& options);

// "line 7 is not UTF-8", or the payload where `line` is 0.
[[nodiscard]] Error not_text_error(std::uint64_t line);

}  // namespace ringcast::client
