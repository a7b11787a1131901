#include "topics/home.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "topics/name.h"

namespace ringcast::topics {

Home::Home(Options options, MessagePool& pool) : options_(std::move(options)), pool_(pool), wildcards_(options_.key) {
  assert(options_.origin < kShardsMax);
  fill_rules();
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
  if (counters_.topics >= std::uint64_t{options_.topics_max} + own_topics_) {
    ++counters_.refused;
    return std::unexpected(Error::too_many_topics);
  }
  if (index == kNone) index = make_entry(name, hash);
  Topic& topic = topics_[index];
  topic.published = true;
  topic.rule = rule_of(name);
  topic.touched = now_;
  look_at(index, now_ + forget_after_);  // it may never be published to, if there is no room for long enough
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
  const Rule& rule = rule_at(topic.rule);
  if (topic.seq == 0) topic.seq = forgotten_position_;
  time_us_ = std::max(time_us_, now_us);
  began_us_ = std::min(began_us_, time_us_);
  changes_.note(handle.index, ++position_);
  samples_.note(time_us_, position_);
  message->seq = ++topic.seq;
  message->position = position_;
  message->time_us = time_us_;
  message->origin = options_.origin;
  assert(message->seq <= message->position);
  const std::uint64_t lost = message->op == Op::event ? position_ : topic.history.push(message, rule.limits, pool_);
  topic.lost_position = std::max(topic.lost_position, lost);
  if (rule.age_us > 0) drop_aged(topic);
  topic.touched = now_;
  const Deadlines::Tick wait = std::min(rule.age, has_value(topic) ? rule.ttl : forget_after_);
  if (std::uint64_t{now_} + wait < topic.due) look_at(handle.index, now_ + wait);
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
    return !topic.valid() || changes_.position(topic.index) <= position;
  }
  const WalkEnd end = order_.walk(filter, {}, visits_max, [&](std::uint32_t index) {
    return changes_.position(index) > position ? Visit::stop : Visit::go_on;
  });
  return end.done;
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

std::uint16_t Home::rule_of(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < options_.history_rules.size(); ++i) {
    if (matches(options_.history_rules[i].filter, name)) return static_cast<std::uint16_t>(rule_set_ | (i + 1));
  }
  return rule_set_;
}

void Home::check_invariants() const {
  std::uint64_t entries = 0;
  std::uint64_t published = 0;
  for (std::uint32_t index = 0; index < topics_.end(); ++index) {
    const Topic& topic = topics_[index];
    if (!topic.used) continue;
    ++entries;
    if (topic.published) ++published;
    assert(topic.published || topic.exact != 0);
    assert(topic.published || topic.seq == 0);
    const std::uint64_t position = changes_.position(index);
    assert(topic.seq <= position);
    assert(position <= position_);
    assert(topic.lost_position <= position);
    assert(topic.history.size() == 0 || topic.history.newest()->position <= position);
    assert(index_of(topic.name, topic.hash) == index);
    topic.history.check_invariants();
  }
  assert(entries == counters_.entries && entries == by_name_.size() && entries == topics_.size());
  assert(published == counters_.topics && published == order_.size());
  assert(forgotten_position_ <= position_);
  changes_.check_invariants();
  by_name_.check_invariants();
  wildcards_.check_invariants();
}

}  // namespace ringcast::topics
