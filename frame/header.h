// Header: the 2 to 14 bytes in front of each WebSocket frame (RFC 6455 §5.2).
//
//    header := fin:1 rsv1:1 rsv2:1 rsv3:1 opcode:4 | masked:1 length:7 | length16 or length64, if 126 or 127 | mask:32,
//    if masked
//
// Hot path: decode_header() and encode_header() run once per frame. No allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "frame/bytes.h"
#include "frame/error.h"

namespace ringcast::frame {

enum class Opcode : std::uint8_t { continuation = 0x0, text = 0x1, binary = 0x2, close = 0x8, ping = 0x9, pong = 0xa };

[[nodiscard]] constexpr bool is_control(Opcode opcode) noexcept {
  return (static_cast<unsigned>(opcode) & 0x8U) != 0;
}

using MaskKey = std::array<std::uint8_t, 4>;

inline constexpr std::size_t kHeaderSizeMax = 2 + 8 + 4;    // bytes: flags and length, 64-bit length, mask
inline constexpr std::size_t kServerHeaderSizeMax = 2 + 8;  // bytes: a server does not mask
inline constexpr std::size_t kControlPayloadSizeMax = 125;  // bytes, §5.5

struct Header {
  Opcode opcode = Opcode::binary;
  bool fin = true;
  bool rsv1 = false;  // first frame of a compressed message (RFC 7692)
  bool masked = false;
  MaskKey mask{};
  std::uint64_t payload_size = 0;  // bytes
  std::uint8_t size = 0;           // bytes of the header itself; set by decode_header()

  friend bool operator==(const Header&, const Header&) = default;
};

// Decodes the header at the front of `in`, which may hold any number of bytes.
// Fails with Error::truncated while the header is incomplete; every other error ends the connection. More bytes never
// change an error other than truncated.
[[nodiscard]] std::expected<Header, Error> decode_header(Bytes in) noexcept;

// Writes `header` (its `size` is not read) to the front of `out` and returns how many bytes that took.
[[nodiscard]] std::size_t encode_header(const Header& header, std::span<std::uint8_t, kHeaderSizeMax> out) noexcept;

// How many bytes encode_header() writes in front of an unmasked payload of this size: 2, 4 or 10.
[[nodiscard]] constexpr std::size_t server_header_size(std::uint64_t payload_size) noexcept {
  return payload_size <= 125 ? 2 : payload_size <= 0xffff ? 4 : 10;
}

}  // namespace ringcast::frame
