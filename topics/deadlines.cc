#include "topics/deadlines.h"

#include <algorithm>
#include <cassert>

namespace ringcast::topics {

Deadlines::Deadlines() {
  fine_.fill(kNone);
  coarse_.fill(kNone);
}

Deadlines::Tick Deadlines::add(std::uint32_t index, Tick at) {
  at = std::max(at, at_);
  std::uint32_t* list = nullptr;
  if (at - at_ < kFine) {
    list = &fine_[at % kFine];
  } else {
    const Tick block = std::min(at / kFine, at_ / kFine + kCoarse - 1);
    at = block * kFine;
    list = &coarse_[block % kCoarse];
  }
  if (free_ == kNone) {
    free_ = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({.entry = {}, .next = kNone});
  }
  const std::uint32_t node = free_;
  free_ = nodes_[node].next;
  nodes_[node] = {.entry = {.index = index, .tick = at}, .next = *list};
  *list = node;
  ++size_;
  return at;
}

// The list of what comes up at `tick`, coarse ones first.
std::uint32_t& Deadlines::list_at(Tick tick) noexcept {
  if (tick % kFine == 0 && coarse_[tick / kFine % kCoarse] != kNone) return coarse_[tick / kFine % kCoarse];
  return fine_[tick % kFine];
}

std::optional<Deadlines::Entry> Deadlines::take(Tick now) {
  if (size_ == 0) at_ = std::max(at_, now);
  for (; at_ <= now && size_ > 0; ++at_) {
    std::uint32_t& list = list_at(at_);
    if (list == kNone) continue;
    const std::uint32_t node = list;
    list = nodes_[node].next;
    nodes_[node].next = free_;
    free_ = node;
    --size_;
    return nodes_[node].entry;
  }
  return std::nullopt;
}

Deadlines::Tick Deadlines::next() const noexcept {
  if (size_ == 0) return kNever;
  for (Tick tick = at_; tick < at_ + kFine; ++tick) {
    if (fine_[tick % kFine] != kNone) return tick;
    if (tick % kFine == 0 && coarse_[tick / kFine % kCoarse] != kNone) return tick;
  }
  for (Tick block = at_ / kFine + 1; block < at_ / kFine + kCoarse; ++block) {
    if (coarse_[block % kCoarse] != kNone) return block * kFine;
  }
  assert(false);
  return kNever;
}

}  // namespace ringcast::topics
