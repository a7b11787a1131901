#include "topics/change_map.h"

#include <algorithm>

namespace ringcast::topics {

namespace {

// The first place in [at, end) whose number is above `since`; end if there is none.
std::uint32_t first_above(const std::uint64_t* numbers, std::uint32_t at, std::uint32_t end, std::uint64_t since) {
  while (at < end && numbers[at] <= since) ++at;
  return at;
}

}  // namespace

ChangeMap::Found ChangeMap::next(std::uint32_t from, std::uint64_t since, std::uint32_t& looks) const noexcept {
  assert(looks > 0);
  const auto blocks = static_cast<std::uint32_t>(blocks_.size());
  std::uint32_t index = from;
  while (index < end()) {
    if (looks == 0) return {.index = index};
    --looks;
    const std::uint32_t b = index / kBlock;
    if (greatest_[b] <= since) {  // a line of blocks
      index = first_above(greatest_.data(), b, std::min(blocks, (b / kLine + 1) * kLine), since) * kBlock;
      continue;
    }
    const Block& block = *blocks_[b];
    const std::uint32_t line = index % kBlock / kLine;
    if (block.greatest[line] <= since) {  // the lines of a block
      index = b * kBlock + first_above(block.greatest.data(), line, kLine, since) * kLine;
      continue;
    }
    const std::uint32_t line_end = (line + 1) * kLine;
    const std::uint32_t at = first_above(block.positions.data(), index % kBlock, line_end, since);
    index = b * kBlock + at;
    if (at < line_end) return {.found = true, .index = index};
  }
  return {.index = end()};
}

void ChangeMap::grow_slow(std::uint32_t index) {
  while (index >= end()) {
    blocks_.push_back(std::make_unique<Block>());
    greatest_.push_back(0);
  }
}

void ChangeMap::check_invariants() const {
  assert(greatest_.size() == blocks_.size());
  for (std::uint32_t index = 0; index < end(); ++index) {
    const Block& block = *blocks_[index / kBlock];
    assert(block.positions[index % kBlock] <= block.greatest[index % kBlock / kLine]);
    assert(block.greatest[index % kBlock / kLine] <= greatest_[index / kBlock]);
  }
}

}  // namespace ringcast::topics
