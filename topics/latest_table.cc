#include "topics/latest_table.h"

#include <cassert>

namespace ringcast::topics {

LatestTable::~LatestTable() {
  for (std::uint32_t i = 0; i < entries_.end(); ++i) {
    replace(entries_[i].value, nullptr);
    replace(entries_[i].event, nullptr);
  }
}

std::uint64_t LatestTable::hash(std::uint32_t origin, TopicHandle topic) noexcept {
  const std::uint64_t key = std::uint64_t{topic.generation} << 40U ^ std::uint64_t{origin} << 32U ^ topic.index;
  return (key * 0x9e37'79b9'7f4a'7c15U) >> 32U;
}

std::uint32_t LatestTable::find(std::uint32_t origin, TopicHandle topic) const noexcept {
  return index_.find(hash(origin, topic),
                     [&](std::uint32_t i) { return entries_[i].topic == topic && entries_[i].origin == origin; });
}

std::uint32_t LatestTable::put(std::uint32_t origin, TopicHandle topic, const Message& message) {
  std::uint32_t found = find(origin, topic);
  if (found == kNone) {
    found = entries_.take();
    Entry& entry = entries_[found];
    assert(entry.references == 0);
    entry.topic = topic;
    entry.origin = origin;
    index_.insert(hash(origin, topic), found);
  }
  Entry& entry = entries_[found];
  ++entry.references;
  const bool is_first = entry.value == nullptr && entry.event == nullptr;
  if (!is_first && newest(found).seq >= message.seq) {
    // The entry was made for an event, by one who was given the value before it; this one was not.
    if (message.op != Op::event && entry.value == nullptr) replace(entry.value, &message);
    return found;
  }
  if (message.op == Op::event) {
    replace(entry.event, &message);
  } else {
    replace(entry.event, nullptr);
    replace(entry.value, &message);
  }
  return found;
}

// The block that is given back is the next one of its size that is taken: so a topic's copies follow each other in
// place.
void LatestTable::replace(Message*& old, const Message* with) {
  if (old != nullptr) pool_.release(old);
  old = nullptr;
  if (with == nullptr) return;
  old = pool_.make({.topic = with->topic(),
                    .topic_hash = with->topic_hash,
                    .content_type = with->content_type(),
                    .headers = with->headers(),
                    .payload = with->payload(),
                    .op = with->op,
                    .format = with->format,
                    .publisher = with->publisher});
  old->seq = with->seq;
  old->position = with->position;
  old->time_us = with->time_us;
  old->origin = with->origin;
}

void LatestTable::release(std::uint32_t released) noexcept {
  Entry& entry = entries_[released];
  assert(entry.references > 0);
  if (--entry.references > 0) return;
  index_.erase(hash(entry.origin, entry.topic), released);
  replace(entry.value, nullptr);
  replace(entry.event, nullptr);
  entries_.give_back(released);
}

void LatestTable::check_invariants() const {
  std::size_t used = 0;
  std::size_t copies = 0;
  for (std::uint32_t i = 0; i < entries_.end(); ++i) {
    const Entry& entry = entries_[i];
    if (entry.references == 0) {
      assert(entry.value == nullptr);
      assert(entry.event == nullptr);
      continue;
    }
    ++used;
    copies += (entry.value != nullptr ? 1U : 0U) + (entry.event != nullptr ? 1U : 0U);
    assert(entry.value != nullptr || entry.event != nullptr);
    assert(entry.value == nullptr || entry.event == nullptr || entry.value->seq < entry.event->seq);
    assert(find(entry.origin, entry.topic) == i);
  }
  assert(used == entries_.size());
  assert(used == index_.size());
  assert(copies == pool_.live());
  index_.check_invariants();
  pool_.check_invariants();
}

}  // namespace ringcast::topics
