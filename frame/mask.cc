#include "frame/mask.h"

#include <cstdint>
#include <cstring>

namespace ringcast::frame {

namespace {

// 32 bytes: two registers of the x86-64 baseline, one where AVX2 is there. The compiler's vectors, no intrinsics.
using Block = std::uint8_t __attribute__((vector_size(32)));

// The key, turned so that its first byte meets the byte after `phase` others.
MaskKey turned(MaskKey key, std::size_t phase) noexcept {
  return {key[phase & 3], key[(phase + 1) & 3], key[(phase + 2) & 3], key[(phase + 3) & 3]};
}

}  // namespace

void mask(MutableBytes bytes, MaskKey key, std::size_t phase) noexcept {
  key = turned(key, phase);
  std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();

  if (left >= sizeof(Block)) {
    Block keys;
    for (std::size_t i = 0; i < sizeof(Block); i += key.size()) {
      std::memcpy(reinterpret_cast<std::uint8_t*>(&keys) + i, key.data(), key.size());
    }
    for (; left >= sizeof(Block); at += sizeof(Block), left -= sizeof(Block)) {
      Block block;
      std::memcpy(&block, at, sizeof block);
      block ^= keys;
      std::memcpy(at, &block, sizeof block);
    }
  }

  std::uint64_t word_key = 0;
  std::memcpy(&word_key, key.data(), key.size());
  word_key |= word_key << 32;
  for (; left >= sizeof word_key; at += sizeof word_key, left -= sizeof word_key) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    word ^= word_key;
    std::memcpy(at, &word, sizeof word);
  }
  for (std::size_t i = 0; i < left; ++i) at[i] ^= key[i % key.size()];
}

}  // namespace ringcast::frame
