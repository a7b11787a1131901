#include "topics/home.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "topics/name.h"

namespace ringcast::topics {

Home::Home(Options options, MessagePool& pool) : options_(std::move(options)), pool_(pool), wildcards_(options_.key) {
  assert(options_.origin < kShardsMax);
}

Home::~Home() {
  for (std::uint32_t index = 0; index < topics_.end(); ++index) topics_[index].history.clear(pool_);
}

std::expected<TopicHandle, Error> Home::find_or_make(std::string_view name, std::uint64_t hash) {
  const std::uint32_t index = index_of(name, hash);
  if (index == kNone || !topics_[index].published) return publish_slow(name, hash, index);
  return TopicHandle{.index = index, .generation = topics_[index].generation};
}

// A first publish: `index` is an entry with interest only, or kNone.
std::expected<TopicHandle, Error> Home::publish_slow(std::string_view name, std::uint64_t hash, std::uint32_t index) {
  if (counters_.topics >= options_.topics_max) {
    ++counters_.refused;
    return std::unexpected(Error::too_many_topics);
  }
  if (index == kNone) index = make_entry(name, hash);
  Topic& topic = topics_[index];
  topic.published = true;
  topic.history.limit(history_max(name));
  order_.insert(topic.name, index);
  ++counters_.topics;
  return TopicHandle{.index = index, .generation = topic.generation};
}

TopicHandle Home::find(std::string_view name, std::uint64_t hash) const noexcept {
  const std::uint32_t index = index_of(name, hash);
  if (index == kNone || !topics_[index].published) return {};
  return {.index = index, .generation = topics_[index].generation};
}

ShardSet Home::interested(TopicHandle handle) noexcept {
  Topic& topic = at(handle);
  if (topic.wildcard_version != wildcard_version_) match_wildcards_slow(topic);
  return topic.exact | topic.wildcard;
}

void Home::match_wildcards_slow(Topic& topic) noexcept {
  topic.wildcard = 0;
  wildcards_.match(topic.name, [&](ShardSet shards) { topic.wildcard |= shards; });
  topic.wildcard_version = wildcard_version_;
  ++counters_.wildcard_matches;
}

Home::Sequenced Home::sequence(TopicHandle handle, Message* message, std::int64_t now_us) {
  Topic& topic = at(handle);
  assert(message->seq == 0);
  assert(message->topic_size == topic.name.size());
  assert(message->topic_hash == topic.hash);
  if (topic.seq == 0) topic.seq = forgotten_position_;
  time_us_ = std::max(time_us_, now_us);
  topic.position = ++position_;
  message->seq = ++topic.seq;
  message->position = position_;
  message->time_us = time_us_;
  message->origin = options_.origin;
  assert(message->seq <= message->position);
  if (message->op != Op::event && topic.history.messages_max() > 0) {
    if (newest_ != handle.index) {
      if (topic.history.size() > 0) unlink(handle.index);
      link_newest(handle.index);
    }
    topic.history.push(message, pool_);
  }
  ++counters_.sequenced;
  return {.interested = interested(handle), .topic = handle, .seq = message->seq, .position = message->position};
}

bool Home::announce(std::uint32_t shard, std::string_view filter) {
  if (is_wildcard(filter)) {
    ShardSet& shards = wildcards_.insert(filter).value;
    if (contains(shards, shard)) return false;
    shards |= only(shard);
    ++wildcard_version_;
  } else {
    const std::uint64_t hash = hash_name(options_.key, filter);
    std::uint32_t index = index_of(filter, hash);
    if (index == kNone) index = make_entry(filter, hash);
    ShardSet& shards = topics_[index].exact;
    if (contains(shards, shard)) return false;
    shards |= only(shard);
  }
  counters_.wildcards = wildcards_.size();
  return true;
}

bool Home::withdraw(std::uint32_t shard, std::string_view filter) {
  if (is_wildcard(filter)) {
    ShardSet* const shards = wildcards_.find(filter);
    if (shards == nullptr || !contains(*shards, shard)) return false;
    *shards &= ~only(shard);
    if (*shards == 0) wildcards_.erase(filter);
    ++wildcard_version_;
  } else {
    const std::uint32_t index = index_of(filter, hash_name(options_.key, filter));
    if (index == kNone || !contains(topics_[index].exact, shard)) return false;
    topics_[index].exact &= ~only(shard);
    if (topics_[index].exact == 0 && !topics_[index].published) free_entry(index);
  }
  counters_.wildcards = wildcards_.size();
  return true;
}

const Message* Home::last(std::string_view name) const noexcept {
  const std::uint32_t index = index_of(name, hash_name(options_.key, name));
  if (index == kNone) return nullptr;
  return last(TopicHandle{.index = index, .generation = topics_[index].generation});
}

const Message* Home::last(TopicHandle topic) const noexcept {
  const History* const kept = history(topic);
  if (kept == nullptr || kept->size() == 0) return nullptr;
  return kept->newest()->op == Op::set ? kept->newest() : nullptr;
}

const History* Home::history(TopicHandle topic) const noexcept {
  return alive(topic) ? &topics_[topic.index].history : nullptr;
}

bool Home::unchanged_since(std::string_view filter, std::uint64_t position, std::uint32_t visits_max) const {
  if (position > position_) return false;
  if (position == position_) return true;
  if (forgotten_position_ > position) return false;
  if (!is_wildcard(filter)) {
    const TopicHandle topic = find(filter, hash_name(options_.key, filter));
    return !topic.valid() || topics_[topic.index].position <= position;
  }
  const WalkEnd end = order_.walk(filter, {}, visits_max, [&](std::uint32_t index) {
    return topics_[index].position > position ? Visit::stop : Visit::go_on;
  });
  return end.done;
}

Home::Forget Home::forget(std::string_view name) {
  const std::uint32_t index = index_of(name, hash_name(options_.key, name));
  if (index == kNone || !topics_[index].published) return Forget::unknown;
  Topic& topic = topics_[index];
  if (topic.history.size() > 0 && topic.history.newest()->op == Op::set) return Forget::has_value;
  if (topic.exact != 0) return Forget::has_interest;
  if (topic.history.size() > 0) unlink(index);
  topic.history.clear(pool_);
  forgotten_position_ = std::max(forgotten_position_, topic.position);
  order_.erase(topic.name);
  --counters_.topics;
  ++counters_.forgotten;
  free_entry(index);
  return Forget::forgotten;
}

std::uint32_t Home::index_of(std::string_view name, std::uint64_t hash) const noexcept {
  return by_name_.find(hash, [&](std::uint32_t index) {
    const Topic& topic = topics_[index];
    return topic.hash == hash && topic.name == name;
  });
}

std::uint32_t Home::make_entry(std::string_view name, std::uint64_t hash) {
  const std::uint32_t index = topics_.take();
  Topic& topic = topics_[index];
  topic.name = name;
  topic.hash = hash;
  topic.used = true;
  by_name_.insert(hash, index);
  ++counters_.entries;
  return index;
}

void Home::free_entry(std::uint32_t index) {
  Topic& topic = topics_[index];
  assert(topic.used);
  assert(topic.history.size() == 0);
  by_name_.erase(topic.hash, index);
  const std::uint32_t generation = topic.generation + 1;
  topic = Topic{};
  topic.generation = generation;
  topics_.give_back(index);
  --counters_.entries;
}

Home::Topic& Home::at(TopicHandle topic) noexcept {
  assert(alive(topic));
  return topics_[topic.index];
}

bool Home::alive(TopicHandle topic) const noexcept {
  return topic.index < topics_.end() && topics_[topic.index].used &&
         topics_[topic.index].generation == topic.generation;
}

std::uint32_t Home::history_max(std::string_view name) const noexcept {
  for (const HistoryRule& rule : options_.history_rules) {
    if (matches(rule.filter, name)) return rule.messages_max;
  }
  return options_.history_messages_max;
}

std::uint32_t Home::first_change_after(ChangeCursor from) const noexcept {
  const auto position = [&](std::uint32_t index) { return topics_[index].history.newest()->position; };
  if (newest_ == kNone || position(newest_) <= from.position) return kNone;
  if (position(oldest_) > from.position) return oldest_;
  if (alive(from.topic)) {
    const Topic& topic = topics_[from.topic.index];
    if (topic.history.size() > 0 && topic.history.newest()->position == from.position) return topic.newer;
  }
  std::uint32_t index = newest_;
  while (position(topics_[index].older) > from.position)
    index = topics_[index].older;  // ends at oldest_ by the line above
  return index;
}

void Home::link_newest(std::uint32_t index) noexcept {
  Topic& topic = topics_[index];
  assert(topic.older == kNone);
  assert(topic.newer == kNone);
  topic.older = newest_;
  (newest_ == kNone ? oldest_ : topics_[newest_].newer) = index;
  newest_ = index;
}

void Home::unlink(std::uint32_t index) noexcept {
  Topic& topic = topics_[index];
  (topic.older == kNone ? oldest_ : topics_[topic.older].newer) = topic.newer;
  (topic.newer == kNone ? newest_ : topics_[topic.newer].older) = topic.older;
  topic.older = kNone;
  topic.newer = kNone;
}

void Home::check_invariants() const {
  std::uint64_t entries = 0;
  std::uint64_t published = 0;
  std::uint64_t kept = 0;
  for (std::uint32_t index = 0; index < topics_.end(); ++index) {
    const Topic& topic = topics_[index];
    if (!topic.used) continue;
    ++entries;
    if (topic.published) ++published;
    if (topic.history.size() > 0) ++kept;
    assert(topic.published || topic.exact != 0);
    assert(topic.published || topic.seq == 0);
    assert(topic.seq <= topic.position);
    assert(topic.position <= position_);
    assert(index_of(topic.name, topic.hash) == index);
    topic.history.check_invariants();
  }
  assert(entries == counters_.entries && entries == by_name_.size() && entries == topics_.size());
  assert(published == counters_.topics && published == order_.size());
  assert(counters_.topics <= options_.topics_max);
  assert(forgotten_position_ <= position_);
  std::uint64_t linked = 0;
  std::uint64_t position = 0;
  std::uint32_t older = kNone;
  for (std::uint32_t index = oldest_; index != kNone; index = topics_[index].newer, ++linked) {
    assert(topics_[index].older == older);
    assert(topics_[index].history.newest()->position > position);
    position = topics_[index].history.newest()->position;
    older = index;
  }
  assert(older == newest_);
  assert(linked == kept);
  by_name_.check_invariants();
  wildcards_.check_invariants();
}

}  // namespace ringcast::topics
