#include "topics/index_table.h"

#include <utility>

namespace ringcast::topics {
namespace {

constexpr std::size_t kSlotsMin = 16;

}  // namespace

void IndexTable::place(Slot slot) noexcept {
  std::size_t at = slot.tag & mask();
  while (slots_[at].index != kNone) at = (at + 1) & mask();
  slots_[at] = slot;
}

void IndexTable::insert(std::uint64_t hash, std::uint32_t index) {
  assert(index != kNone);
  if ((size_ + 1) * 4 > slots_.size() * 3) grow_slow();
  place({.tag = static_cast<std::uint32_t>(hash), .index = index});
  ++size_;
}

void IndexTable::erase(std::uint64_t hash, std::uint32_t index) noexcept {
  assert(size_ > 0);
  std::size_t hole = static_cast<std::uint32_t>(hash) & mask();
  while (slots_[hole].index != index) {
    assert(slots_[hole].index != kNone);
    hole = (hole + 1) & mask();
  }
  // Closes the hole with what probing pushed past it, so that no look-up ends early and no tombstones pile up.
  for (std::size_t at = (hole + 1) & mask(); slots_[at].index != kNone; at = (at + 1) & mask()) {
    const std::size_t distance_home = (at - slots_[at].tag) & mask();
    const std::size_t distance_hole = (at - hole) & mask();
    if (distance_home < distance_hole) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = Slot{};
  --size_;
}

void IndexTable::clear() noexcept {
  for (Slot& slot : slots_) slot = Slot{};
  size_ = 0;
}

void IndexTable::grow_slow() {
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.empty() ? kSlotsMin : old.size() * 2, Slot{});
  for (const Slot& slot : old) {
    if (slot.index != kNone) place(slot);
  }
}

void IndexTable::check_invariants() const {
  std::size_t used = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].index == kNone) continue;
    ++used;
    for (std::size_t at = slots_[i].tag & mask(); at != i; at = (at + 1) & mask()) assert(slots_[at].index != kNone);
  }
  assert(used == size_);
  assert(size_ * 4 <= slots_.size() * 3);
}

}  // namespace ringcast::topics
