// Encoding: which bytes a subscriber gets: a protocol, and how its messages are compressed. A message is encoded once
// for each encoding that has a subscriber on a shard.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace ringcast::broker {

// The WebSocket protocols first: only their messages can be compressed. Then server-sent events: payloads or JSON
// (broker/sse_codec.h), in HTTP chunks or, for HTTP/1.0, without (broker/event_framing.h).
enum class Protocol : std::uint8_t { raw, proto, json, sse, sse_json, sse_unchunked, sse_json_unchunked };
inline constexpr std::size_t kProtocols = 7;
inline constexpr std::size_t kWebSocketProtocols = 3;

// permessage-deflate with a window of 2^9, 2^12 or 2^15 bytes (RFC 7692 §7.1.2.1). Three sizes, not seven: each that is
// wanted compresses every message anew.
enum class Compression : std::uint8_t { none, window9, window12, window15 };
inline constexpr std::size_t kCompressions = 4;

// A small number, used as an index.
using Encoding = std::uint8_t;

inline constexpr std::size_t kEncodings = kWebSocketProtocols * kCompressions + (kProtocols - kWebSocketProtocols);

[[nodiscard]] constexpr bool is_event_stream(Protocol protocol) noexcept {
  return protocol >= Protocol::sse;
}
[[nodiscard]] constexpr bool is_chunked(Protocol protocol) noexcept {
  return protocol == Protocol::sse || protocol == Protocol::sse_json;
}

// Requires: no compression unless `protocol` is a WebSocket's.
[[nodiscard]] constexpr Encoding encoding_of(Protocol protocol, Compression compression = Compression::none) noexcept {
  const auto number = static_cast<std::size_t>(protocol);
  if (number < kWebSocketProtocols) {
    return static_cast<Encoding>(number * kCompressions + static_cast<std::size_t>(compression));
  }
  assert(compression == Compression::none);
  return static_cast<Encoding>(kWebSocketProtocols * kCompressions + (number - kWebSocketProtocols));
}
[[nodiscard]] constexpr Protocol protocol_of(Encoding encoding) noexcept {
  const std::size_t compressible = kWebSocketProtocols * kCompressions;
  if (encoding < compressible) return static_cast<Protocol>(encoding / kCompressions);
  return static_cast<Protocol>(kWebSocketProtocols + (encoding - compressible));
}
[[nodiscard]] constexpr Compression compression_of(Encoding encoding) noexcept {
  if (encoding >= kWebSocketProtocols * kCompressions) return Compression::none;
  return static_cast<Compression>(encoding % kCompressions);
}

// Sets of compressions, and of encodings, as bits.
[[nodiscard]] constexpr std::uint32_t compression_bit(Compression compression) noexcept {
  return 1U << static_cast<std::uint32_t>(compression);
}
[[nodiscard]] constexpr std::uint32_t encoding_bit(Encoding encoding) noexcept {
  return 1U << encoding;
}
// The compressions of `encodings` that belong to one protocol.
[[nodiscard]] constexpr std::uint32_t compressions_of(std::uint32_t encodings, Protocol protocol) noexcept {
  const std::uint32_t from_first = encodings >> encoding_of(protocol);
  return from_first & (static_cast<std::size_t>(protocol) < kWebSocketProtocols ? (1U << kCompressions) - 1 : 1U);
}

// The logarithm of the window's size in bytes; 0 for none.
[[nodiscard]] constexpr std::uint8_t window_bits(Compression compression) noexcept {
  constexpr std::array<std::uint8_t, kCompressions> kBits{0, 9, 12, 15};
  return kBits[static_cast<std::size_t>(compression)];
}

// The largest of our windows that one of 2^`bits` bytes can read; none when it can read none of them.
[[nodiscard]] constexpr Compression compression_within(std::uint8_t bits) noexcept {
  if (bits >= window_bits(Compression::window15)) return Compression::window15;
  if (bits >= window_bits(Compression::window12)) return Compression::window12;
  return bits >= window_bits(Compression::window9) ? Compression::window9 : Compression::none;
}

}  // namespace ringcast::broker
