// IndexTable: from a keyed 64-bit hash to indices of someone's slab. Open addressing, linear probing, 8 bytes a slot.
//
// The caller compares names: the table holds no keys, only 32 bits of each hash, so it grows without touching the slab.
// Equal hashes may be in it more than once.
// Hot path: find() is one cache miss for most. Allocates when it grows only.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

namespace ringcast::topics {

class IndexTable {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  // The first index under `hash` for which same(index) holds; kNone if there is none.
  template <typename Same>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, Same&& same) const {
    if (slots_.empty()) return kNone;
    const auto tag = static_cast<std::uint32_t>(hash);
    for (std::size_t at = tag & mask(); slots_[at].index != kNone; at = (at + 1) & mask()) {
      if (slots_[at].tag == tag && same(slots_[at].index)) return slots_[at].index;
    }
    return kNone;
  }

  // Calls visit(index) for each index whose hash has the same low half as `hash`: these and no others may be under it.
  template <typename Visitor>
  void each_candidate(std::uint64_t hash, Visitor&& visit) const {
    std::ignore = find(hash, [&](std::uint32_t index) {
      visit(index);
      return false;
    });
  }

  // Requires: index != kNone, and (hash, index) is not in.
  void insert(std::uint64_t hash, std::uint32_t index);

  // Requires: (hash, index) is in.
  void erase(std::uint64_t hash, std::uint32_t index) noexcept;

  // Takes everything out and keeps the memory.
  void clear() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void check_invariants() const;

 private:
  struct Slot {
    std::uint32_t tag = 0;  // the low half of the hash; its low bits are the slot's home
    std::uint32_t index = kNone;
  };

  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
  void place(Slot slot) noexcept;
  void grow_slow();

  std::vector<Slot> slots_;  // a power of two, at most 3/4 full
  std::size_t size_ = 0;
};

}  // namespace ringcast::topics
