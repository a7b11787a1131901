// Encoding: which bytes a subscriber gets: a protocol, and how its messages are compressed. A message is encoded once
// for each encoding that has a subscriber on a shard.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringcast::broker {

enum class Protocol : std::uint8_t { raw, proto, json };
inline constexpr std::size_t kProtocols = 3;

enum class Compression : std::uint8_t { none };
inline constexpr std::size_t kCompressions = 1;

// A small number, used as an index.
using Encoding = std::uint8_t;

inline constexpr std::size_t kEncodings = kProtocols * kCompressions;

[[nodiscard]] constexpr Encoding encoding_of(Protocol protocol, Compression compression = Compression::none) noexcept {
  return static_cast<Encoding>(static_cast<std::size_t>(protocol) * kCompressions +
                               static_cast<std::size_t>(compression));
}
[[nodiscard]] constexpr Protocol protocol_of(Encoding encoding) noexcept {
  return static_cast<Protocol>(encoding / kCompressions);
}
[[nodiscard]] constexpr Compression compression_of(Encoding encoding) noexcept {
  return static_cast<Compression>(encoding % kCompressions);
}

}  // namespace ringcast::broker
