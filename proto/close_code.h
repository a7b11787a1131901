// CloseCode: the one table of the codes that Ringcast closes a WebSocket with, and what a client should do then.
//
// Below 3000 they are those of RFC 6455 §7.4.1 and IANA's registry; 4000-4999 are ours (private use). A test compares
// the table of proto/PROTOCOL.md with this one.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ringcast::proto {

enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  internal_error = 1011,
  restart = 1012,
  try_later = 1013,
  slow_consumer = 4008,
  token_expired = 4401,
  token_refused = 4402,
  forbidden = 4403,
  fenced = 4409,
};

// What a client does next.
enum class Remedy : std::uint8_t {
  nothing,    // the end was meant
  reconnect,  // at once, with jitter; resume
  back_off,   // later, with growing delays; resume
  new_token,  // get a new token, then reconnect; resume
  give_up,    // the same would happen again: the program or its configuration is wrong
};

struct CloseCodeEntry {
  CloseCode code;
  std::string_view name;     // as in the enum
  std::string_view meaning;  // one sentence
  Remedy remedy;
};

// All codes, in rising order.
[[nodiscard]] std::span<const CloseCodeEntry> close_codes() noexcept;

// The entry of a code; nullptr for one that is not in the table.
[[nodiscard]] const CloseCodeEntry* find_close_code(std::uint16_t code) noexcept;

}  // namespace ringcast::proto
