// OwedSet: the topics of which a subscriber, or a group of equal ones, has not been given the newest value, oldest
// first.
//
// A topic comes in at its first undelivered change and keeps its place, however often it changes after that: so each
// one has its turn. What is owed of it is not here but in the shard's LatestTable.
//
// Called by: broker/latest, of whose table each `entry` here is one reference. Thread: one shard's.
// Order:     by time of add(); so those of one origin are by rising position, unless merged ones were moved here.
// Hot path:  add() once per message and set, pop() once per topic sent: O(1), no allocation in the steady state.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "topics/index_table.h"

namespace ringcast::topics {

// A topic that is owed.
struct Owed {
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  std::uint32_t entry = kNone;  // of the LatestTable
  std::uint32_t origin = 0;
  std::uint64_t seq = 0;       // of the first message that was not delivered,
  std::uint64_t position = 0;  // and its position
  std::uint64_t changes = 1;   // messages since, that one included
  std::uint64_t stamp = 0;     // the owner's; what was owed before a moment is told by it

  friend bool operator==(const Owed&, const Owed&) = default;
};

class OwedSet {
 public:
  // Owes a topic; one that is owed already keeps its place and its stamp, and counts the changes. True if it is new.
  bool add(const Owed& owed);

  // The topic that has waited longest. Requires: !empty().
  [[nodiscard]] const Owed& front() const noexcept {
    assert(!empty());
    return at(head_);
  }
  Owed pop();

  // Takes a topic out of the middle; nothing if it is not owed.
  std::optional<Owed> remove(std::uint32_t entry);

  // Lowers positions[origin] to just before the first message that is owed of each origin. O(size()).
  void lower(std::span<std::uint64_t> positions) const noexcept;

  // True if the other owes the same topics in the same order, each since the same message. O(size()).
  [[nodiscard]] bool same(const OwedSet& other) const noexcept;

  // Calls visit(const Owed&) for each, oldest first.
  template <typename Visitor>
  void each(Visitor&& visit) const {
    for (std::uint64_t i = head_; i != tail_; ++i) {
      if (at(i).entry != Owed::kNone) visit(at(i));
    }
  }

  [[nodiscard]] bool contains(std::uint32_t entry) const noexcept { return find(entry) != IndexTable::kNone; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // What it holds on the heap, roughly.
  [[nodiscard]] std::size_t bytes() const noexcept { return ring_.size() * (sizeof(Owed) + 2 * sizeof(std::uint64_t)); }
  void check_invariants() const;

 private:
  // Entries are small numbers that follow each other: spread, so that erasing from the table stays short.
  [[nodiscard]] static std::uint64_t hash(std::uint32_t entry) noexcept {
    return (std::uint64_t{entry} * 0x9e37'79b9'7f4a'7c15U) >> 32U;
  }
  [[nodiscard]] std::uint32_t slot(std::uint64_t at) const noexcept {
    return static_cast<std::uint32_t>(at & (ring_.size() - 1));
  }
  [[nodiscard]] const Owed& at(std::uint64_t number) const noexcept { return ring_[slot(number)]; }
  [[nodiscard]] std::uint32_t find(std::uint32_t entry) const noexcept {
    return index_.find(hash(entry), [&](std::uint32_t slot) { return ring_[slot].entry == entry; });
  }
  void make_room();
  void skip_removed() noexcept;

  std::vector<Owed> ring_;  // a power of two; [head_, tail_) are in use, those taken out of the middle without entry
  IndexTable index_;        // entry -> slot of ring_
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
  std::size_t size_ = 0;  // without those taken out
};

}  // namespace ringcast::topics
