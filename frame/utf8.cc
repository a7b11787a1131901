#include "frame/utf8.h"

#include <cstddef>
#include <cstring>

#include "frame/utf8_bulk.h"

namespace ringcast::frame {

namespace {

// From so many bytes on simdjson, which takes 15 ns to begin, is faster than the loop below: frame_bench.
constexpr std::size_t kBulkSizeMin = 24;

constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080U;

std::uint64_t load(const std::uint8_t* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// How many bytes at the front of `in` are ASCII, counted in whole words of 8 bytes; four at a time while there are
// many.
std::size_t ascii_words(Bytes in) noexcept {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  const std::uint8_t* const begin = in.data();
  std::size_t at = 0;
  for (; at + 4 * kWord <= in.size(); at += 4 * kWord) {
    const std::uint64_t all =
        load(begin + at) | load(begin + at + kWord) | load(begin + at + 2 * kWord) | load(begin + at + 3 * kWord);
    if ((all & kHighBits) != 0) break;
  }
  while (at + kWord <= in.size() && (load(begin + at) & kHighBits) == 0) at += kWord;
  return at;
}

// How many bytes at the end of `in` begin a character that needs more than there are: 0 to 3. What is no character at
// all is for others to find.
std::size_t unfinished_size(Bytes in) noexcept {
  for (std::size_t size = 1; size <= 3; ++size) {
    const std::uint8_t byte = in[in.size() - size];
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const std::size_t whole = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return whole > size ? size : 0;
  }
  return 0;
}

}  // namespace

// Begins a character; RFC 3629 §4 gives the ranges.
bool Utf8::lead(std::uint8_t byte) noexcept {
  low_ = 0x80;
  high_ = 0xbf;
  if (byte < 0x80) return true;
  if (byte >= 0xc2 && byte <= 0xdf) {
    missing_ = 1;
  } else if (byte >= 0xe0 && byte <= 0xef) {
    missing_ = 2;
    if (byte == 0xe0) low_ = 0xa0;   // below: overlong
    if (byte == 0xed) high_ = 0x9f;  // above: surrogates
  } else if (byte >= 0xf0 && byte <= 0xf4) {
    missing_ = 3;
    if (byte == 0xf0) low_ = 0x90;   // below: overlong
    if (byte == 0xf4) high_ = 0x8f;  // above: over U+10FFFF
  } else {
    missing_ = kFailed;
    return false;
  }
  return true;
}

bool Utf8::feed(Bytes piece) noexcept {
  if (missing_ == kFailed) return false;
  for (std::size_t at = 0; at < piece.size(); ++at) {
    if (missing_ == 0) {
      at += ascii_words(piece.subspan(at));
      if (piece.size() - at >= kBulkSizeMin) {
        const Bytes rest = piece.subspan(at);
        const Bytes whole = rest.first(rest.size() - unfinished_size(rest));
        if (!is_utf8_bulk(whole)) {
          missing_ = kFailed;
          return false;
        }
        at += whole.size();
      }
      if (at == piece.size()) return true;
      if (!lead(piece[at])) return false;
      continue;
    }
    if (piece[at] < low_ || piece[at] > high_) {
      missing_ = kFailed;
      return false;
    }
    low_ = 0x80;
    high_ = 0xbf;
    --missing_;
  }
  return true;
}

bool is_utf8(Bytes text) noexcept {
  Utf8 utf8;
  return utf8.feed(text) && utf8.complete();
}

}  // namespace ringcast::frame
