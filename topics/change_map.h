// ChangeMap: the position of each topic's last message, and quickly the topics that had one after a given position.
//
// Shape:  positions lie by topic index, side by side; above them the greatest of each 64, and of each 64 of these. A
//         search skips what has not changed 64 or 4,096 topics at a time.
// Order:  by index, which a topic keeps while it lives. So a walk that is cut into pieces meets a topic once, however
//         often it changes meanwhile: a list in the order of change cannot promise that.
// Hot path: note() runs once per message: three stores, no search.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace ringcast::topics {

class ChangeMap {
 public:
  // What a search came to.
  struct Found {
    bool found = false;
    std::uint32_t index = 0;  // found: of the topic; else where the search goes on, end() if there is no more
  };

  // The topic at `index` had a message at `position`, the highest so far.
  void note(std::uint32_t index, std::uint64_t position) {
    if (index >= end()) grow_slow(index);
    Block& block = *blocks_[index / kBlock];
    block.positions[index % kBlock] = position;
    block.greatest[index % kBlock / kLine] = position;
    greatest_[index / kBlock] = position;
  }

  // There is no topic at `index` any more. Above it, what was greatest stays: a search looks there in vain.
  void clear(std::uint32_t index) noexcept {
    if (index < end()) blocks_[index / kBlock]->positions[index % kBlock] = 0;
  }

  // Of its last message; 0: none.
  [[nodiscard]] std::uint64_t position(std::uint32_t index) const noexcept {
    return index < end() ? blocks_[index / kBlock]->positions[index % kBlock] : 0;
  }

  // The first topic at or after index `from` that had a message after `since`. Takes from `looks` one for each line of
  // up to 64 numbers that it reads, and gives up where they end. Requires: looks > 0.
  [[nodiscard]] Found next(std::uint32_t from, std::uint64_t since, std::uint32_t& looks) const noexcept;

  [[nodiscard]] std::uint32_t end() const noexcept { return static_cast<std::uint32_t>(blocks_.size()) * kBlock; }
  void check_invariants() const;

 private:
  static constexpr std::uint32_t kLine = 64;
  static constexpr std::uint32_t kBlock = kLine * kLine;  // topics

  struct Block {
    std::array<std::uint64_t, kLine> greatest{};  // of each line, or more
    std::array<std::uint64_t, kBlock> positions{};
  };

  void grow_slow(std::uint32_t index);

  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<std::uint64_t> greatest_;  // of each block, or more
};

}  // namespace ringcast::topics
