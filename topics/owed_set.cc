#include "topics/owed_set.h"

#include <algorithm>
#include <utility>

namespace ringcast::topics {

namespace {

constexpr std::size_t kOwedMin = 4;  // topics that a set makes room for at first

}  // namespace

bool OwedSet::add(const Owed& owed) {
  assert(owed.entry != Owed::kNone);
  assert(owed.changes > 0);
  if (const std::uint32_t found = find(owed.entry); found != IndexTable::kNone) {
    Owed& mine = ring_[found];
    mine.changes += owed.changes;
    mine.seq = std::min(mine.seq, owed.seq);
    mine.position = std::min(mine.position, owed.position);
    return false;
  }
  if (tail_ - head_ == ring_.size()) make_room();
  const std::uint32_t to = slot(tail_++);
  ring_[to] = owed;
  index_.insert(hash(owed.entry), to);
  ++size_;
  return true;
}

// Closes the gaps if half of the ring is gaps, else doubles it.
void OwedSet::make_room() {
  std::size_t kept = 0;
  if (ring_.empty()) {
    ring_.resize(kOwedMin);
  } else if (size_ > ring_.size() / 2) {
    std::vector<Owed> larger(ring_.size() * 2);
    each([&](const Owed& owed) { larger[kept++] = owed; });
    ring_ = std::move(larger);
    head_ = 0;
  } else {
    for (std::uint64_t from = head_; from != tail_; ++from) {
      if (at(from).entry != Owed::kNone) ring_[slot(head_ + kept++)] = at(from);
    }
  }
  tail_ = head_ + kept;
  assert(kept == size_);
  index_.clear();
  for (std::uint64_t i = head_; i != tail_; ++i) index_.insert(hash(at(i).entry), slot(i));
}

void OwedSet::skip_removed() noexcept {
  while (head_ != tail_ && at(head_).entry == Owed::kNone) ++head_;
}

Owed OwedSet::pop() {
  const Owed first = front();
  index_.erase(hash(first.entry), slot(head_));
  ring_[slot(head_)].entry = Owed::kNone;
  --size_;
  skip_removed();
  return first;
}

std::optional<Owed> OwedSet::remove(std::uint32_t entry) {
  const std::uint32_t found = find(entry);
  if (found == IndexTable::kNone) return std::nullopt;
  const Owed gone = ring_[found];
  index_.erase(hash(entry), found);
  ring_[found].entry = Owed::kNone;
  --size_;
  skip_removed();
  return gone;
}

void OwedSet::lower(std::span<std::uint64_t> positions) const noexcept {
  each([&](const Owed& owed) {
    assert(owed.position > 0);
    positions[owed.origin] = std::min(positions[owed.origin], owed.position - 1);
  });
}

bool OwedSet::same(const OwedSet& other) const noexcept {
  if (size_ != other.size_) return false;
  bool same = true;
  std::uint64_t theirs = other.head_;
  each([&](const Owed& ours) {
    while (other.at(theirs).entry == Owed::kNone) ++theirs;
    const Owed& their = other.at(theirs++);
    same = same && ours.entry == their.entry && ours.seq == their.seq;
  });
  return same;
}

void OwedSet::check_invariants() const {
  std::size_t counted = 0;
  assert(tail_ - head_ <= ring_.size());
  assert(head_ == tail_ || at(head_).entry != Owed::kNone);
  for (std::uint64_t i = head_; i != tail_; ++i) {
    if (at(i).entry == Owed::kNone) continue;
    ++counted;
    assert(find(at(i).entry) == slot(i));
  }
  assert(counted == size_);
  assert(index_.size() == size_);
  index_.check_invariants();
}

}  // namespace ringcast::topics
