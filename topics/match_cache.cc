#include "topics/match_cache.h"

#include <algorithm>
#include <cassert>

namespace ringcast::topics {

MatchCache::MatchCache(std::uint32_t origins) : origins_(origins) {}

const MatchCache::Entry& MatchCache::store(std::uint32_t origin, TopicHandle topic, std::uint64_t hash,
                                           std::span<const GroupId> groups) {
  const std::uint32_t slot = slot_of(origin, topic.index);
  Entry& entry = entries_[slot];
  if (!entry.used_ || entry.hash_ != hash) {
    if (entry.used_) by_hash_.erase(entry.hash_, slot);
    by_hash_.insert(hash, slot);
    entry.used_ = true;
    entry.hash_ = hash;
  }
  entry.generation_ = topic.generation;
  entry.version_ = version_;
  entry.count_ = static_cast<std::uint32_t>(groups.size());
  if (groups.size() > entry.few_.size() && groups.size() > entry.capacity_) {
    entry.many_ = std::make_unique<GroupId[]>(groups.size());
    entry.capacity_ = entry.count_;
  }
  std::copy(groups.begin(), groups.end(), groups.size() <= entry.few_.size() ? entry.few_.data() : entry.many_.get());
  return entry;
}

void MatchCache::invalidate(std::uint64_t hash) noexcept {
  by_hash_.each_candidate(hash, [&](std::uint32_t slot) {
    if (entries_[slot].hash_ == hash) entries_[slot].version_ = 0;
  });
}

std::uint32_t MatchCache::slot_of(std::uint32_t origin, std::uint32_t topic_index) {
  std::vector<std::uint32_t>& slots = origins_[origin];
  if (topic_index >= slots.size())
    slots.resize(std::max<std::size_t>(topic_index + std::size_t{1}, slots.size() * 2), kNone);
  if (slots[topic_index] == kNone) slots[topic_index] = entries_.take();
  return slots[topic_index];
}

void MatchCache::check_invariants() const {
  std::size_t found = 0;
  for (const std::vector<std::uint32_t>& slots : origins_) {
    for (const std::uint32_t slot : slots) {
      if (slot == kNone) continue;
      ++found;
      const Entry& entry = entries_[slot];
      assert(entry.used_);
      assert(entry.version_ <= version_);
      assert(entry.count_ <= std::max<std::size_t>(entry.few_.size(), entry.capacity_));
      assert(by_hash_.find(entry.hash_, [&](std::uint32_t other) { return other == slot; }) == slot);
    }
  }
  assert(found == entries_.size());
  assert(found == by_hash_.size());
  by_hash_.check_invariants();
}

}  // namespace ringcast::topics
