// Home: what one shard knows as the home of its topics: their sequence, last value, history, and which shards care.
//
// Thread:    one, its shard's. No I/O and no clock: the time comes with each message.
// Hot path:  find_or_make() (one hash look-up), interested(), sequence(). No heap allocation in the steady state.
// Order:     seq counts per topic without holes, position counts all messages of this home; both from 1. Within an
//            epoch no seq comes twice for a topic name, though topics are forgotten: a new topic begins above the
//            position of the last topic forgotten, and no topic's seq is ever above its position.
// Entries:   a name has an entry once it was published (a *topic*, counted by topics_max) or while a shard has an
//            exact filter on it (interest only, not counted: the subscriber's limits bound it).
//
// How a request is taken (broker/shard):
//   topic = home.find_or_make(name, hash)        error: refuse the request
//   reserve a slot in each ring of home.interested(topic), else leave the request where it is
//   m = pool.adopt(request)
//   s = home.sequence(topic, m, now)             s.interested is what interested() said
//   for each shard of s.interested: pool.retain(m), push {m, topic}
//   pool.release(m)                              the caller's own reference
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "topics/error.h"
#include "topics/filter_trie.h"
#include "topics/hash.h"
#include "topics/history.h"
#include "topics/index_table.h"
#include "topics/message_pool.h"
#include "topics/shard_set.h"
#include "topics/slab.h"
#include "topics/topic_handle.h"
#include "topics/topic_order.h"

namespace ringcast::topics {

// How many messages the topics of a pattern keep.
struct HistoryRule {
  std::string filter;  // valid
  std::uint32_t messages_max = 1;
};

class Home {
 public:
  struct Options {
    std::uint16_t origin = 0;                // this shard
    HashKey key;                             // the process's
    std::uint32_t topics_max = 1'000'000;    // published topics of this home, ~0.3 KiB each without their messages
    std::uint32_t history_messages_max = 1;  // of topics that no rule matches
    std::vector<HistoryRule> history_rules;  // the first that matches decides
  };

  // What sequence() did with a message.
  struct Sequenced {
    ShardSet interested = 0;
    TopicHandle topic;
    std::uint64_t seq = 0;
    std::uint64_t position = 0;
  };

  // Bounds of one chunk of a snapshot.
  struct Chunk {
    std::string_view after;            // the cursor; empty: from the start
    std::uint64_t position_max = 0;    // only topics last changed at or before it
    std::uint32_t count_max = 64;      // messages
    std::uint32_t visits_max = 1'024;  // topics touched, matching or not
  };

  // Bounds of one chunk of a replay.
  struct ReplayChunk {
    std::string_view after;            // the cursor's topic; empty: from the start
    std::uint64_t after_seq = 0;       // the cursor's place in that topic; 0: nothing of it is left to say
    std::uint64_t position_max = 0;    // only messages at or before it
    std::uint32_t per_topic_max = 1;   // the last so many of each topic
    std::uint32_t count_max = 64;      // messages
    std::uint32_t visits_max = 1'024;  // topics touched, matching or not, besides the cursor's
  };
  // Where a replay ended; `after` is borrowed as WalkEnd's.
  struct ReplayEnd {
    bool done = false;
    std::string_view after;       // the cursor for the next chunk
    std::uint64_t after_seq = 0;  // and its place in that topic
  };

  // A place in the order of change: after all changes at or before `position`. `topic` is only a hint.
  struct ChangeCursor {
    std::uint64_t position = 0;
    TopicHandle topic;
  };
  struct ChangesEnd {
    bool done = false;
    ChangeCursor after;
  };

  enum class Forget : std::uint8_t {
    forgotten,
    unknown,       // there is no such topic
    has_value,     // its last change was a SET that is kept
    has_interest,  // a shard has an exact filter on it
  };

  struct Counters {
    std::uint64_t topics = 0;            // published and not forgotten
    std::uint64_t entries = 0;           // these, and names with interest only
    std::uint64_t sequenced = 0;         // messages
    std::uint64_t refused = 0;           // by topics_max
    std::uint64_t forgotten = 0;         // topics
    std::uint64_t wildcards = 0;         // distinct wildcard filters announced
    std::uint64_t wildcard_matches = 0;  // times a topic's cached wildcard interest was computed anew
  };

  // `pool` is the same shard's and outlives the home.
  Home(Options options, MessagePool& pool);
  ~Home();  // releases every message it keeps
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  // ---- publishing

  // The topic of this name, made if it is new; `hash` is hash_name(key, name). Fails with too_many_topics.
  [[nodiscard]] std::expected<TopicHandle, Error> find_or_make(std::string_view name, std::uint64_t hash);

  // The published topic of this name; not valid() if there is none. Changes nothing.
  [[nodiscard]] TopicHandle find(std::string_view name, std::uint64_t hash) const noexcept;

  // The shards that have a filter matching the topic. Requires: a handle of a topic that was not forgotten.
  [[nodiscard]] ShardSet interested(TopicHandle topic) noexcept;

  // Gives `message` its seq, position, origin and time, and keeps it if the topic's history does (its own reference).
  // The caller's reference stays the caller's: see the top of this file. `now_us`: UTC, microseconds.
  // Requires: message->topic() is the topic's name.
  Sequenced sequence(TopicHandle topic, Message* message, std::int64_t now_us);

  // ---- interest

  // Shard `shard` has now, or no longer has, subscribers of the valid filter. True if that changed anything.
  bool announce(std::uint32_t shard, std::string_view filter);
  bool withdraw(std::uint32_t shard, std::string_view filter);

  // ---- what is kept

  // The topic's value; null if it never had one, has none any more, or is unknown.
  [[nodiscard]] const Message* last(std::string_view name) const noexcept;
  [[nodiscard]] const Message* last(TopicHandle topic) const noexcept;

  // Null if the handle's topic was forgotten.
  [[nodiscard]] const History* history(TopicHandle topic) const noexcept;

  // Calls visit(Message*) -> Visit for the value of each topic that matches the valid filter and last changed at or
  // before chunk.position_max, in the order of names. Go on with WalkEnd::after as the next chunk's `after`. The
  // visitor may retain the messages, and must not call anything here.
  template <typename Visitor>
  WalkEnd snapshot(std::string_view filter, const Chunk& chunk, Visitor&& visit);

  // Calls visit(Message*) -> Visit for the last chunk.per_topic_max kept messages (SET and REMOVE) of each topic that
  // matches the valid filter, of those at or before chunk.position_max: topics in the order of names, each one's
  // messages oldest first. Go on with the end's cursor: what was said is not said again, whatever is published,
  // forgotten or let go by history in between. The visitor is bound as snapshot()'s.
  template <typename Visitor>
  ReplayEnd replay(std::string_view filter, const ReplayChunk& chunk, Visitor&& visit) const;

  // Calls visit(Message*) -> Visit for the last kept SET or REMOVE of each topic that changed after `from`, at or
  // before `position_max`, oldest change first, at most `count_max` of them. Costs the changes it visits when the
  // cursor's topic did not change since, else also those after it.
  template <typename Visitor>
  ChangesEnd changed_since(ChangeCursor from, std::uint64_t position_max, std::uint32_t count_max, Visitor&& visit);

  // True if it is certain that no topic of the valid filter had a message after `position`, EVENTs included. False also
  // when that cannot be known: a position that this home never gave, a topic forgotten since, or more topics between
  // than `visits_max`.
  [[nodiscard]] bool unchanged_since(std::string_view filter, std::uint64_t position, std::uint32_t visits_max) const;

  // Forgets a topic without a value and without exact interest, and what is left of its history (a REMOVE).
  Forget forget(std::string_view name);

  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }  // of the last message; 0: none yet
  [[nodiscard]] std::uint64_t forgotten_position() const noexcept { return forgotten_position_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  void check_invariants() const;

 private:
  static constexpr std::uint32_t kNone = TopicHandle::kNone;

  struct alignas(64) Topic {  // two cache lines, not three: all of it is touched by a publish
    std::string name;
    std::uint64_t hash = 0;
    std::uint64_t seq = 0;               // of its last message
    std::uint64_t position = 0;          // of its last message, an EVENT included
    ShardSet exact = 0;                  // shards with an exact filter
    ShardSet wildcard = 0;               // shards with a matching wildcard, as of:
    std::uint64_t wildcard_version = 0;  // wildcard_version_ when `wildcard` was computed; 0: never
    std::uint32_t generation = 0;
    std::uint32_t older = kNone;  // in the order of change, while its history is not empty
    std::uint32_t newer = kNone;
    bool used = false;
    bool published = false;  // find_or_make() was asked for it
    History history;
  };
  static_assert(sizeof(Topic) == 128);

  // How a replay of one topic ended.
  struct TopicReplay {
    Visit wish = Visit::go_on;    // refuse: nothing was said; stop: no more for now
    std::uint64_t after_seq = 0;  // stop: the last that was said
  };
  template <typename Visitor>
  static TopicReplay replay_topic(const History& history, std::uint64_t after_seq, const ReplayChunk& chunk,
                                  std::uint32_t& count, Visitor&& visit);

  [[nodiscard]] std::uint32_t index_of(std::string_view name, std::uint64_t hash) const noexcept;
  std::uint32_t make_entry(std::string_view name, std::uint64_t hash);
  void free_entry(std::uint32_t index);
  [[nodiscard]] std::expected<TopicHandle, Error> publish_slow(std::string_view name, std::uint64_t hash,
                                                               std::uint32_t index);
  [[nodiscard]] Topic& at(TopicHandle topic) noexcept;
  [[nodiscard]] bool alive(TopicHandle topic) const noexcept;
  [[nodiscard]] std::uint32_t history_max(std::string_view name) const noexcept;
  [[nodiscard]] std::uint32_t first_change_after(ChangeCursor from) const noexcept;
  void match_wildcards_slow(Topic& topic) noexcept;
  void link_newest(std::uint32_t index) noexcept;
  void unlink(std::uint32_t index) noexcept;

  Options options_;
  MessagePool& pool_;
  Slab<Topic> topics_;
  IndexTable by_name_;
  TopicOrder order_;  // published topics
  FilterTrie<ShardSet> wildcards_;
  std::uint64_t wildcard_version_ = 1;
  std::uint32_t oldest_ = kNone;  // ends of the order of change
  std::uint32_t newest_ = kNone;
  std::uint64_t position_ = 0;
  std::uint64_t forgotten_position_ = 0;
  std::int64_t time_us_ = 0;  // of the last message
  Counters counters_;
};

template <typename Visitor>
WalkEnd Home::snapshot(std::string_view filter, const Chunk& chunk, Visitor&& visit) {
  std::uint32_t count = 0;
  return order_.walk(filter, chunk.after, chunk.visits_max, [&](std::uint32_t index) {
    Message* const value = topics_[index].history.newest();
    if (value == nullptr || value->op != Op::set || value->position > chunk.position_max) return Visit::go_on;
    if (count == chunk.count_max) return Visit::refuse;
    ++count;
    return visit(value);
  });
}

template <typename Visitor>
Home::ReplayEnd Home::replay(std::string_view filter, const ReplayChunk& chunk, Visitor&& visit) const {
  std::uint32_t count = 0;
  if (chunk.after_seq > 0) {
    const TopicHandle begun = find(chunk.after, hash_name(options_.key, chunk.after));
    if (begun.valid()) {
      const TopicReplay said = replay_topic(topics_[begun.index].history, chunk.after_seq, chunk, count, visit);
      if (said.wish == Visit::refuse) return {.after = chunk.after, .after_seq = chunk.after_seq};
      if (said.wish == Visit::stop) return {.after = chunk.after, .after_seq = said.after_seq};
    }
  }
  std::uint64_t after_seq = 0;
  const WalkEnd end = order_.walk(filter, chunk.after, chunk.visits_max, [&](std::uint32_t index) {
    const TopicReplay said = replay_topic(topics_[index].history, 0, chunk, count, visit);
    after_seq = said.after_seq;
    return said.wish;
  });
  return {.done = end.done, .after = end.after, .after_seq = after_seq};
}

template <typename Visitor>
Home::TopicReplay Home::replay_topic(const History& history, std::uint64_t after_seq, const ReplayChunk& chunk,
                                     std::uint32_t& count, Visitor&& visit) {
  const std::size_t end = history.first_after_position(chunk.position_max);
  const std::size_t begin =
      std::max(history.first_after(after_seq), end - std::min<std::size_t>(end, chunk.per_topic_max));
  std::uint64_t said_seq = 0;
  for (std::size_t i = begin; i < end; ++i) {
    Message* const message = history[i];
    const Visit wish = count == chunk.count_max ? Visit::refuse : visit(message);
    if (wish == Visit::refuse && said_seq == 0) return {.wish = Visit::refuse};
    if (wish != Visit::refuse) {
      ++count;
      said_seq = message->seq;
    }
    if (wish != Visit::go_on) return {.wish = Visit::stop, .after_seq = said_seq};
  }
  return {};
}

template <typename Visitor>
Home::ChangesEnd Home::changed_since(ChangeCursor from, std::uint64_t position_max, std::uint32_t count_max,
                                     Visitor&& visit) {
  std::uint32_t count = 0;
  for (std::uint32_t index = first_change_after(from); index != kNone; index = topics_[index].newer) {
    const Topic& topic = topics_[index];
    Message* const message = topic.history.newest();
    if (message->position > position_max) break;
    if (count++ == count_max) return {.done = false, .after = from};
    const Visit wish = visit(message);
    if (wish == Visit::refuse) return {.done = false, .after = from};
    from = {.position = message->position, .topic = {.index = index, .generation = topic.generation}};
    if (wish == Visit::stop) return {.done = false, .after = from};
  }
  return {.done = true, .after = from};
}

}  // namespace ringcast::topics
