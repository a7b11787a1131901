// Nats: what perf/load says to a nats-server over its WebSocket, and how the front of its answers is read.
//
//    stream := (INFO … | PONG | PING | +OK | -ERR … | MSG subject sid size) CRLF [payload CRLF] …
//
// The stream is the payloads of all frames, one after the other: a line may begin in one frame and end in the next.
// Hot path: read_nats() runs once per delivery. No allocation. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "perf/form.h"

namespace ringcast::perf {

// What the front of the stream says.
struct NatsPacket {
  enum class Kind : std::uint8_t {
    more,     // too few bytes to tell
    message,  // its stamp is in the bytes seen, at `payload_at`
    short_message,
    pong,
    error,
    other,
    bad,  // nothing that a nats-server sends
  };
  static constexpr std::size_t kFrontMax = 256;  // bytes that are enough to tell

  Kind kind = Kind::more;
  std::size_t payload_at = 0;
  std::size_t size = 0;  // of a message, all of it; 0: up to the next line
};

[[nodiscard]] NatsPacket read_nats(Bytes front) noexcept;

// What a client says, appended to `out`. A PING behind the others is answered when they have been read.
void append_nats_connect(std::vector<std::uint8_t>& out);
void append_nats_subscribe(std::vector<std::uint8_t>& out, std::string_view subject, std::uint32_t sid);
void append_nats_publish(std::vector<std::uint8_t>& out, std::string_view subject, Bytes payload);
void append_nats_ping(std::vector<std::uint8_t>& out);

}  // namespace ringcast::perf
