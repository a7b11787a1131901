// LatestTable: the newest value of each topic that somebody of this shard is owed: private copies, overwritten in
// place.
//
// Messages belong to their home and are readable only while their delivery is drained; who takes a value later, at his
// own pace, takes it from here. An entry lives while it has references: one of each OwedSet that it is in, and of those
// who are at work with it. A topic has at most one entry, and its value is the newest that came: so whoever drains a
// message of a topic that has an entry must put() it.
// Events:   the newest one that came after the newest value stands beside it (README, "Freshness").
//
// Thread:   one shard's.
// Hot path: find() once per message while the table is not empty, put() once per message that is owed. No allocation in
//           the steady state, but for messages over kSmallSizeMax.
#pragma once

#include <cstddef>
#include <cstdint>

#include "topics/index_table.h"
#include "topics/message.h"
#include "topics/message_pool.h"
#include "topics/slab.h"
#include "topics/topic_handle.h"

namespace ringcast::topics {

class LatestTable {
 public:
  static constexpr std::uint32_t kNone = IndexTable::kNone;

  LatestTable() = default;
  LatestTable(const LatestTable&) = delete;
  LatestTable& operator=(const LatestTable&) = delete;
  ~LatestTable();

  // The topic's entry; kNone if nobody is owed it.
  [[nodiscard]] std::uint32_t find(std::uint32_t origin, TopicHandle topic) const noexcept;

  // Copies the message if it is newer than what the topic's entry has, which is made if need be, or if it is an older
  // value where the entry has only an event. The caller gets a reference.
  [[nodiscard]] std::uint32_t put(std::uint32_t origin, TopicHandle topic, const Message& message);

  void retain(std::uint32_t entry) noexcept { ++entries_[entry].references; }
  // The last reference frees the entry.
  void release(std::uint32_t entry) noexcept;

  // The newest SET or REMOVE that came since the entry was made, and the newest EVENT after that; null if none did.
  [[nodiscard]] const Message* value(std::uint32_t entry) const noexcept { return entries_[entry].value; }
  [[nodiscard]] const Message* event(std::uint32_t entry) const noexcept { return entries_[entry].event; }
  // Whichever of them came last: what tells the topic's name and newest seq.
  [[nodiscard]] const Message& newest(std::uint32_t entry) const noexcept {
    const Entry& at = entries_[entry];
    return at.event != nullptr ? *at.event : *at.value;
  }
  [[nodiscard]] std::uint32_t origin(std::uint32_t entry) const noexcept { return entries_[entry].origin; }
  [[nodiscard]] TopicHandle topic(std::uint32_t entry) const noexcept { return entries_[entry].topic; }

  [[nodiscard]] bool empty() const noexcept { return entries_.size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return pool_.counters().live_bytes; }  // of the copies
  void check_invariants() const;

 private:
  struct Entry {
    Message* value = nullptr;
    Message* event = nullptr;
    TopicHandle topic;
    std::uint32_t origin = 0;
    std::uint32_t references = 0;
  };

  [[nodiscard]] static std::uint64_t hash(std::uint32_t origin, TopicHandle topic) noexcept;
  void replace(Message*& old, const Message* with);

  MessagePool pool_;
  Slab<Entry> entries_;
  IndexTable index_;  // (origin, topic) -> entry
};

}  // namespace ringcast::topics
