// Utf8: checks text that arrives in pieces, and fails at the first byte that makes it invalid (RFC 3629, RFC 6455
// §8.1).
//
// Hot path: feed() reads every byte of every text message; ASCII at its beginning is read 32 bytes at a time,
// what is long and begins with other characters by simdjson. No allocation.
#pragma once

#include <cstdint>

#include "frame/bytes.h"

namespace ringcast::frame {

class Utf8 {
 public:
  // Takes the next piece, of any size. False once a byte cannot belong to valid UTF-8; stays false then.
  [[nodiscard]] bool feed(Bytes piece) noexcept;

  // True if no character is left unfinished: what was fed is valid UTF-8 as a whole.
  [[nodiscard]] bool complete() const noexcept { return missing_ == 0; }

 private:
  static constexpr std::uint8_t kFailed = 0xff;

  [[nodiscard]] bool lead(std::uint8_t byte) noexcept;

  std::uint8_t missing_ = 0;  // continuation bytes of the unfinished character, or kFailed
  std::uint8_t low_ =
      0x80;  // the range of the next one: narrower after E0, ED, F0 and F4 (overlong, surrogate, too large)
  std::uint8_t high_ = 0xbf;
};

// True if `text` is valid UTF-8 as a whole.
[[nodiscard]] bool is_utf8(Bytes text) noexcept;

}  // namespace ringcast::frame
