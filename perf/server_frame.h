// ServerFrame: the header of a frame that a server sent (RFC 6455 §5.2), read as cheaply as can be.
//
// Hot path: read_server_frame() runs once per frame. No allocation. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>

#include "perf/form.h"

namespace ringcast::perf {

struct ServerFrame {
  // more: the header is not whole; bad: masked, reserved bits, or a control frame over 125 bytes.
  enum class Kind : std::uint8_t { more, data, ping, pong, close, bad };

  Kind kind = Kind::more;
  bool fin = false;
  bool begins = false;  // a message, rather than continuing one
  std::size_t header_size = 0;
  std::uint64_t payload_size = 0;
};

[[nodiscard]] inline ServerFrame read_server_frame(Bytes in) noexcept {
  using Kind = ServerFrame::Kind;
  constexpr std::uint8_t kReserved = 0x70;
  constexpr std::uint8_t kMasked = 0x80;
  constexpr std::uint8_t kClose = 0x8;
  constexpr std::uint8_t kPing = 0x9;
  if (in.size() < 2) return {};
  if ((in[0] & kReserved) != 0 || (in[1] & kMasked) != 0) return {.kind = Kind::bad};
  const std::size_t header_size = in[1] <= 125 ? 2 : in[1] == 126 ? 4 : 10;
  if (in.size() < header_size) return {};
  std::uint64_t size = in[1];
  if (header_size > 2) size = 0;
  for (std::size_t i = 2; i < header_size; ++i) size = size << 8 | in[i];
  const std::uint8_t opcode = in[0] & 0x0f;
  ServerFrame frame{.kind = Kind::data,
                    .fin = (in[0] & 0x80) != 0,
                    .begins = opcode != 0,
                    .header_size = header_size,
                    .payload_size = size};
  if (opcode < kClose) return frame;
  frame.kind = size > 125 ? Kind::bad : opcode == kPing ? Kind::ping : opcode == kClose ? Kind::close : Kind::pong;
  return frame;
}

}  // namespace ringcast::perf
