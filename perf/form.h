// Form: which protocol a connection of the load generator speaks (nats: a nats-server's, perf/nats.h), and how the
// front of a server's message is read.
//
// Lean on purpose: the load generator must cost far less than the server. What is found is compared with the broker's
// own reader for one message in many (perf/slow_check.h).
// Hot path: read_front() runs once per delivery. No allocation. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringcast::perf {

using Bytes = std::span<const std::uint8_t>;

enum class Form : std::uint8_t { raw, json, proto, nats };

// "raw", "json", "proto", "nats".
[[nodiscard]] std::string_view name(Form form) noexcept;

// The WebSocket subprotocol; empty for raw and nats.
[[nodiscard]] std::string_view subprotocol(Form form) noexcept;

// A message whose payload begins later than this is not one of ours; bytes. Topic and numbers take less than 100.
inline constexpr std::size_t kFrontMax = 192;

// What the front of a server's message says.
struct Front {
  enum class Kind : std::uint8_t {
    more,     // too few bytes to tell
    message,  // a Message; its payload begins at `payload_at`
    ack,
    error,
    ready,  // Subscribed
    other,  // another event
    bad,    // nothing that a server of this form sends, or that this reader understands
  };
  Kind kind = Kind::more;
  std::size_t payload_at = 0;
};

// Reads the first bytes of a server's WebSocket message, but for nats. JSON payloads are taken to be "text".
[[nodiscard]] Front read_front(Form form, Bytes in) noexcept;

}  // namespace ringcast::perf
