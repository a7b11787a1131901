#include "topics/home.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include "topics/name.h"

namespace ringcast::topics {

Home::Home(Options options, MessagePool& pool) : options_(std::move(options)), pool_(pool), wildcards_(options_.key) {
  assert(options_.origin < kShardsMax);
  assert(options_.history_rules.size() < std::numeric_limits<std::uint16_t>::max());
  rules_.push_back({.messages_max = options_.history_messages_max});
  for (const HistoryRule& rule : options_.history_rules) rules_.push_back({.messages_max = rule.messages_max});
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
  topic.rule = rule_of(name);
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
  began_us_ = std::min(began_us_, time_us_);
  changes_.note(handle.index, ++position_);
  samples_.note(time_us_, position_);
  message->seq = ++topic.seq;
  message->position = position_;
  message->time_us = time_us_;
  message->origin = options_.origin;
  assert(message->seq <= message->position);
  const std::uint64_t lost =
      message->op == Op::event ? position_ : topic.history.push(message, rules_[topic.rule], pool_);
  topic.lost_position = std::max(topic.lost_position, lost);
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

// What the whole of a resumption cannot be better than, whatever its topics say.
Resumed Home::outlook(std::string_view filter, const ResumeChunk& chunk) const noexcept {
  if (chunk.since > position_) return Resumed::gap;
  if (chunk.since_us != INT64_MIN && chunk.since_us < began_us_) return Resumed::gap;
  const std::uint64_t since = std::max(chunk.since, samples_.position_before(chunk.since_us));
  if (forgotten_position_ <= since) return Resumed::recovered;
  if (is_wildcard(filter)) return Resumed::gap;
  const std::uint32_t index = index_of(filter, hash_name(options_.key, filter));
  if (index == kNone) return Resumed::gap;
  // A topic that had a message by then was not forgotten since.
  const Topic& topic = topics_[index];
  const bool had_one = (topic.lost_position > 0 && topic.lost_position <= since) ||
                       (topic.history.size() > 0 && topic.history[0]->position <= since);
  return had_one ? Resumed::recovered : Resumed::gap;
}

std::uint32_t Home::count_changed(ResumeChunk& chunk, std::uint32_t looks_max) const noexcept {
  std::uint32_t looks = looks_max;
  while (looks > 0) {
    const ChangeMap::Found found = changes_.next(chunk.topic.index, chunk.since, looks);
    chunk.topic.index = found.index + (found.found ? 1 : 0);
    if (found.found || found.index < changes_.end()) continue;
    if (chunk.within == 0) chunk.topic = {.index = 0};  // else when that topic is done
    break;
  }
  return looks_max - looks;
}

Home::Owed Home::owed_of(const History& history, std::uint64_t after_seq, const ReplayChunk& chunk) noexcept {
  const std::size_t end = history.first_after_position(chunk.position_max);
  const std::size_t begin = end - std::min<std::size_t>(end, chunk.per_topic_max);
  return {.begin = std::max(history.first_after(after_seq), begin), .end = end};
}

// What is to be said of a topic that had a message after chunk.since. The window is (since, position_max].
Home::Owed Home::missed(std::uint32_t index, const ResumeChunk& chunk) const noexcept {
  const Topic& topic = topics_[index];
  const History& history = topic.history;
  const std::uint64_t since = std::max(chunk.since, chunk.within);
  Owed owed{.begin = std::max(history.first_after_position(since), history.first_since(chunk.since_us)),
            .end = history.first_after_position(chunk.position_max)};
  owed.begin = std::min(owed.begin, owed.end);
  bool lost = topic.lost_position > since;
  if (const std::size_t after = history.first_after_position(topic.lost_position); after < history.size()) {
    if (history[after]->time_us < chunk.since_us) lost = false;  // what is older than that is older, too
  }
  if (chunk.say == Since::every) {
    if (lost) owed.resumed = Resumed::gap;
    return owed;
  }
  const Message* const newest = history.newest();
  const std::uint64_t position = changes_.position(index);
  const bool comes_live = newest != nullptr && newest->position > chunk.position_max;
  const std::size_t in_window = owed.end - owed.begin;
  owed.begin = comes_live || in_window == 0 ? owed.end : owed.end - 1;
  if (lost || owed.end - owed.begin < in_window) owed.resumed = Resumed::conflated;
  const bool newest_is_kept = newest != nullptr && newest->position == position;
  if (lost && !newest_is_kept && position <= chunk.position_max) owed.resumed = Resumed::gap;
  return owed;
}

Home::Forget Home::forget(std::string_view name) {
  const std::uint32_t index = index_of(name, hash_name(options_.key, name));
  if (index == kNone || !topics_[index].published) return Forget::unknown;
  Topic& topic = topics_[index];
  if (topic.history.size() > 0 && topic.history.newest()->op == Op::set) return Forget::has_value;
  if (topic.exact != 0) return Forget::has_interest;
  topic.history.clear(pool_);
  forgotten_position_ = std::max(forgotten_position_, changes_.position(index));
  changes_.clear(index);
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

std::uint16_t Home::rule_of(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < options_.history_rules.size(); ++i) {
    if (matches(options_.history_rules[i].filter, name)) return static_cast<std::uint16_t>(i + 1);
  }
  return 0;
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
  assert(counters_.topics <= options_.topics_max);
  assert(forgotten_position_ <= position_);
  changes_.check_invariants();
  by_name_.check_invariants();
  wildcards_.check_invariants();
}

}  // namespace ringcast::topics
