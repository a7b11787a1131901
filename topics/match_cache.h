// MatchCache: for each topic that a home delivers here, the groups that want it, as last computed.
//
// Entries are found by (origin, topic index): two loads, no hash. An entry counts while its version is the cache's: a
// change of wildcard groups bumps the version, so every topic is matched anew when its next message comes; a change of
// exact groups touches the entries of that topic's hash only. A home that uses an index again gives another generation,
// which takes the entry over. Memory: 4 bytes for each index up to the highest seen, 64 for each topic delivered here;
// bounded by the homes' topics_max.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "topics/index_table.h"
#include "topics/member.h"
#include "topics/slab.h"
#include "topics/topic_handle.h"

namespace ringcast::topics {

class MatchCache {
 public:
  class Entry {
   public:
    [[nodiscard]] std::span<const GroupId> groups() const noexcept {
      return {count_ <= few_.size() ? few_.data() : many_.get(), count_};
    }

   private:
    friend class MatchCache;

    std::uint64_t hash_ = 0;     // of the topic's name
    std::uint64_t version_ = 0;  // the cache's when groups() was stored; 0: never, or no more
    std::uint32_t generation_ = 0;
    std::uint32_t count_ = 0;
    std::uint32_t capacity_ = 0;  // of many_
    bool used_ = false;
    std::array<GroupId, 1> few_{};
    std::unique_ptr<GroupId[]> many_;
  };

  explicit MatchCache(std::uint32_t origins);

  // What is stored for the topic; null when it has to be computed.
  [[nodiscard]] const Entry* find(std::uint32_t origin, TopicHandle topic) const noexcept {
    const std::vector<std::uint32_t>& indices = origins_[origin];
    if (topic.index >= indices.size() || indices[topic.index] == kNone) return nullptr;
    const Entry& entry = entries_[indices[topic.index]];
    return entry.generation_ == topic.generation && entry.version_ == version_ ? &entry : nullptr;
  }

  // Stores the groups of a topic. Allocates for a topic that is new here or has more groups than ever before.
  const Entry& store(std::uint32_t origin, TopicHandle topic, std::uint64_t hash, std::span<const GroupId> groups);

  // What is stored for topics of this hash counts no more.
  void invalidate(std::uint64_t hash) noexcept;

  void invalidate_all() noexcept { ++version_; }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  void check_invariants() const;

 private:
  static constexpr std::uint32_t kNone = Slab<int>::kNone;

  [[nodiscard]] std::uint32_t slot_of(std::uint32_t origin, std::uint32_t topic_index);

  std::vector<std::vector<std::uint32_t>> origins_;  // [origin][topic index] -> entry
  Slab<Entry> entries_;
  IndexTable by_hash_;
  std::uint64_t version_ = 1;
};

}  // namespace ringcast::topics
