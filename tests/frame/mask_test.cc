#include "frame/mask.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

using namespace ringcast::frame;

namespace {

void mask_naively(MutableBytes bytes, MaskKey key, std::size_t phase) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= key[(i + phase) % 4];
}

}  // namespace

TEST_CASE("mask equals the naive loop at every alignment, size and phase, and touches nothing else") {
  constexpr MaskKey kKey{0x01, 0xfe, 0x37, 0x80};
  constexpr std::size_t kAlignments = 33;
  constexpr std::size_t kSizeMax = 140;  // four blocks, and every tail
  std::vector<std::uint8_t> start(kAlignments + kSizeMax + 1);
  for (std::size_t i = 0; i < start.size(); ++i) start[i] = static_cast<std::uint8_t>(i * 7 + 3);
  for (std::size_t alignment = 0; alignment < kAlignments; ++alignment) {
    for (std::size_t size = 0; size <= kSizeMax; ++size) {
      for (std::size_t phase = 0; phase < 5; ++phase) {
        auto fast = start;
        auto naive = start;
        mask(MutableBytes(fast).subspan(alignment, size), kKey, phase);
        mask_naively(MutableBytes(naive).subspan(alignment, size), kKey, phase);
        REQUIRE(fast == naive);
      }
    }
  }
}

TEST_CASE("mask twice gives back the payload, also in pieces with their phases") {
  constexpr MaskKey kKey{9, 8, 7, 6};
  std::vector<std::uint8_t> payload(1000);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i);
  for (std::size_t cut = 0; cut <= payload.size(); cut += 13) {
    auto masked = payload;
    mask(masked, kKey);
    mask(MutableBytes(masked).first(cut), kKey);
    mask(MutableBytes(masked).subspan(cut), kKey, cut);
    CHECK(masked == payload);
  }
}
