// pub: `ringcast pub TOPIC [PAYLOAD|-]` publishes one message, one message many times, or the lines of standard input.
//
// One message goes by HTTP POST, and the broker's JSON answer (topic, seq) is printed on stdout. Everything else goes
// through one raw WebSocket with `mode=pub`, many messages to a write, and ends with a close handshake: exit code 0
// means that the broker has read all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ringcast::client {

enum class Progress : std::uint8_t { automatic, always, never };  // automatic: when stderr is a terminal

enum class PayloadKind : std::uint8_t { text, binary };

inline constexpr const char* kDefaultUrl = "http://127.0.0.1:8080";

struct PubOptions {
  std::string url = kDefaultUrl;       // http://host:port or ws://host:port, with the broker's base path if it has one
  std::string topic;                   // no wildcards
  std::optional<std::string> payload;  // none or "-": each line of standard input is a message
  double rate_hz = 0;                  // messages per second; 0: as fast as the broker takes them
  std::optional<std::uint64_t> count;  // how many messages; none: all lines, or one, or with --rate without end
  PayloadKind kind = PayloadKind::text;  // --binary: sent as binary; lines that are not UTF-8 need it
  Progress progress = Progress::automatic;
};

// Does it. Gives back the exit code (client/exit_code.h); what went wrong is one line on stderr.
[[nodiscard]] int run_pub(const PubOptions& options);

}  // namespace ringcast::client
