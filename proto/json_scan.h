// Finds what stands out in the bytes of a JSON string: whole blocks first, then eight at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ringcast::proto {

inline constexpr std::ptrdiff_t kScanBlock = 32;  // bytes: two or one of what a vector instruction takes

// Is there something among kScanBlock bytes that may not stand in a JSON string as it is? A loop that compilers turn
// into a few vector instructions.
[[nodiscard]] inline bool block_has_escapable(const char* block) noexcept {
  unsigned char found = 0;
  for (std::ptrdiff_t i = 0; i < kScanBlock; ++i) {
    const auto c = static_cast<unsigned char>(block[i]);
    found = static_cast<unsigned char>(found | (c < 0x20) | (c == '"') | (c == '\\'));
  }
  return found != 0;
}

// The same of eight bytes: a high bit for the first of them, and maybe for others behind it; 0 if there is none.
[[nodiscard]] inline std::uint64_t escapable_of_word(const char* word_begin) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  static_assert(std::endian::native == std::endian::little);  // the first byte is the lowest
  std::uint64_t word = 0;
  std::memcpy(&word, word_begin, sizeof word);
  // A high bit is set for each byte below 0x20 and each that is 0 after the XOR. A borrow may set more of them, but
  // only above a true one.
  const std::uint64_t quotes = word ^ kOnes * '"';
  const std::uint64_t backslashes = word ^ kOnes * '\\';
  return (((word - kOnes * 0x20) & ~word) | ((quotes - kOnes) & ~quotes) | ((backslashes - kOnes) & ~backslashes)) &
         kHighs;
}

// The first of [begin, end) that may not stand in a JSON string as it is (RFC 8259 §7): a control character, a quote or
// a backslash; `end` if there is none.
[[nodiscard]] inline const char* find_escapable(const char* begin, const char* end) noexcept {
  // Most strings are short: their end is in the first words.
  for (int words = 0; end - begin >= 8; begin += 8, ++words) {
    if (words == 4) {
      while (end - begin >= kScanBlock && !block_has_escapable(begin)) begin += kScanBlock;
      if (end - begin < 8) break;
    }
    const std::uint64_t found = escapable_of_word(begin);
    if (found != 0) return begin + std::countr_zero(found) / 8;
  }
  while (begin != end && static_cast<unsigned char>(*begin) >= 0x20 && *begin != '"' && *begin != '\\') ++begin;
  return begin;
}

}  // namespace ringcast::proto
