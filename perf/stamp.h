// Stamp: the first 16 bytes of every payload that the load generator publishes: when, of which stream, which.
//
//    payload := when:56 stream:28 number:28, seven bits to a byte | filling
//
// Seven bits to a byte make any stamp valid UTF-8, so text and binary messages are built and read alike. Inside JSON,
// where control characters and quotes would be escaped, the same 112 bits are 28 hexadecimal digits.
// Hot path: decode_stamp() runs once per delivery. No allocation.
#pragma once

#include <cstdint>
#include <cstring>

namespace ringcast::perf {

inline constexpr std::size_t kStampSize = 16;                              // bytes
inline constexpr std::size_t kHexStampSize = 28;                           // the same in JSON
inline constexpr std::uint32_t kNumberMax = (std::uint32_t{1} << 28) - 1;  // per stream: hours at full speed
inline constexpr std::uint32_t kStreamsMax = std::uint32_t{1} << 20;       // below 28 bits; topics of a large broker

struct Stamp {
  std::uint64_t when_ns = 0;  // of the monotonic clock: when the message should have been sent
  std::uint32_t stream = 0;   // what one publisher sends to one topic (perf/tally.h)
  std::uint32_t number = 0;   // 1, 2, 3 … per stream

  friend bool operator==(const Stamp&, const Stamp&) = default;
};

// 56 bits in the lower seven bits of eight bytes, and back.
[[nodiscard]] constexpr std::uint64_t spread_bits(std::uint64_t bits) noexcept {
  bits = (bits & 0x00ff'ffff'f000'0000) << 4 | (bits & 0x0000'0000'0fff'ffff);
  bits = (bits & 0x0fff'c000'0fff'c000) << 2 | (bits & 0x0000'3fff'0000'3fff);
  return (bits & 0x3f80'3f80'3f80'3f80) << 1 | (bits & 0x007f'007f'007f'007f);
}
[[nodiscard]] constexpr std::uint64_t gather_bits(std::uint64_t bytes) noexcept {
  bytes = (bytes & 0x7f00'7f00'7f00'7f00) >> 1 | (bytes & 0x007f'007f'007f'007f);
  bytes = (bytes & 0x3fff'0000'3fff'0000) >> 2 | (bytes & 0x0000'3fff'0000'3fff);
  return (bytes & 0x0fff'ffff'0000'0000) >> 4 | (bytes & 0x0000'0000'0fff'ffff);
}

// Writes kStampSize bytes.
inline void encode_stamp(const Stamp& stamp, std::uint8_t* out) noexcept {
  const std::uint64_t words[2] = {spread_bits(stamp.when_ns),
                                  spread_bits(std::uint64_t{stamp.stream} << 28 | stamp.number)};
  std::memcpy(out, words, kStampSize);
}

// Reads kStampSize bytes.
[[nodiscard]] inline Stamp decode_stamp(const std::uint8_t* in) noexcept {
  std::uint64_t words[2];
  std::memcpy(words, in, kStampSize);
  const std::uint64_t who = gather_bits(words[1]);
  return {.when_ns = gather_bits(words[0]),
          .stream = static_cast<std::uint32_t>(who >> 28),
          .number = static_cast<std::uint32_t>(who & kNumberMax)};
}

// Writes kHexStampSize digits: fourteen of `when`, seven each of the others.
inline void encode_hex_stamp(const Stamp& stamp, std::uint8_t* out) noexcept {
  std::uint64_t words[2] = {stamp.when_ns, std::uint64_t{stamp.stream} << 28 | stamp.number};
  for (std::size_t i = kHexStampSize; i-- > 0;) {
    std::uint64_t& word = words[i / (kHexStampSize / 2)];
    out[i] = static_cast<std::uint8_t>("0123456789abcdef"[word & 15]);
    word >>= 4;
  }
}

// Reads kHexStampSize digits of encode_hex_stamp().
[[nodiscard]] inline Stamp decode_hex_stamp(const std::uint8_t* in) noexcept {
  std::uint64_t words[2] = {0, 0};
  for (std::size_t i = 0; i < kHexStampSize; ++i) {
    std::uint64_t& word = words[i / (kHexStampSize / 2)];
    word = word << 4 | ((in[i] & 15U) + 9U * (in[i] >> 6U));
  }
  return {.when_ns = words[0],
          .stream = static_cast<std::uint32_t>(words[1] >> 28),
          .number = static_cast<std::uint32_t>(words[1] & kNumberMax)};
}

}  // namespace ringcast::perf
