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

#include "topics/change_map.h"
#include "topics/error.h"
#include "topics/filter_trie.h"
#include "topics/hash.h"
#include "topics/history.h"
#include "topics/index_table.h"
#include "topics/message_pool.h"
#include "topics/resumed.h"
#include "topics/shard_set.h"
#include "topics/slab.h"
#include "topics/time_samples.h"
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

  // What a subscriber that was here before is told: what lies in (since, position_max].
  enum class Since : std::uint8_t {
    every,   // every message
    newest,  // of each topic the newest; none of a topic that has changed after position_max, which comes live
  };
  // Bounds of one chunk of it. The cursor, `after` to `topic`, is what the end of the chunk before said; at first
  // empty.
  struct ResumeChunk {
    Since say = Since::every;
    std::uint64_t since = 0;            // the position up to which the subscriber has all
    std::int64_t since_us = INT64_MIN;  // and the time: messages that are older are not told, nor missed
    std::uint64_t position_max = 0;
    std::string_view after;
    std::uint64_t within = 0;
    TopicHandle topic;
    std::uint32_t count_max = 64;      // messages
    std::uint32_t visits_max = 1'024;  // topics touched, and lines of the ChangeMap
  };
  struct ResumeEnd {
    bool done = false;
    std::string_view after;    // the cursor for the next chunk: by name, after this topic; borrowed as WalkEnd's
    std::uint64_t within = 0;  // not 0: within that topic, or `topic`, after this position
    TopicHandle topic;         // valid: by ChangeMap, from this index on, what is after `after`
    Resumed resumed = Resumed::recovered;  // of this chunk; of several the worst counts
    std::uint32_t visits = 0;
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

  // Calls visit(Message*) -> Visit for what a subscriber of the valid filter has missed, as chunk.say wishes: topics in
  // no particular order, each one's messages oldest first. Go on with the end's cursor: what was said is not said
  // again, and what is kept until the walk comes to it is said, whatever happens in between. Costs the topics that
  // changed or those that match, whichever are fewer. The visitor is bound as snapshot()'s.
  //
  // Of `every`, a gap is told if history has let go, or never kept, something after `since` (EVENTs are not kept). Of
  // `newest`, if that befell a topic's newest message; if an older one is left out, conflated. Both tell a gap if a
  // topic was forgotten that had a message after `since`, or if `since` is a position that this home never gave or a
  // time before it began. In doubt the worse is told.
  template <typename Visitor>
  ResumeEnd resume(std::string_view filter, const ResumeChunk& chunk, Visitor&& visit) const;

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
  static constexpr std::uint32_t kCounting = 0xffff'ffff;  // generation of ResumeChunk::topic: it is not walked yet
  static constexpr std::uint32_t kCountedFirst = 64;       // looks before a resumption begins: most need no more

  struct alignas(64) Topic {  // two cache lines, not three: all of it is touched by a publish
    std::string name;
    std::uint64_t hash = 0;
    std::uint64_t seq = 0;               // of its last message
    std::uint64_t lost_position = 0;     // of the newest message that history does not have; 0: none
    ShardSet exact = 0;                  // shards with an exact filter
    ShardSet wildcard = 0;               // shards with a matching wildcard, as of:
    std::uint64_t wildcard_version = 0;  // wildcard_version_ when `wildcard` was computed; 0: never
    std::uint32_t generation = 0;
    std::uint16_t rule = 0;  // of rules_
    bool used = false;
    bool published = false;  // find_or_make() was asked for it
    History history;
  };
  static_assert(sizeof(Topic) == 128);

  // Some messages of a topic's history, and how far saying them came.
  struct Owed {
    std::size_t begin = 0;
    std::size_t end = 0;
    Resumed resumed = Resumed::recovered;  // by saying them
  };
  struct Said {
    Visit wish = Visit::go_on;      // refuse: nothing was said; stop: no more for now
    const Message* last = nullptr;  // stop: the last that was said
  };
  template <typename Visitor>
  static Said say(const History& history, const Owed& owed, std::uint32_t count_max, std::uint32_t& count,
                  Visitor&& visit);
  [[nodiscard]] static Owed owed_of(const History& history, std::uint64_t after_seq, const ReplayChunk& chunk) noexcept;
  [[nodiscard]] Owed missed(std::uint32_t index, const ResumeChunk& chunk) const noexcept;
  [[nodiscard]] Resumed outlook(std::string_view filter, const ResumeChunk& chunk) const noexcept;
  // Counts on what changed after chunk.since, from chunk.topic, with so many looks; the looks it took. When it comes to
  // the end, chunk.topic becomes the beginning of a walk by change.
  std::uint32_t count_changed(ResumeChunk& chunk, std::uint32_t looks_max) const noexcept;
  template <typename Visitor>
  ResumeEnd resume_by_name(std::string_view filter, const ResumeChunk& chunk, Visitor&& visit) const;
  template <typename Visitor>
  ResumeEnd resume_by_change(std::string_view filter, const ResumeChunk& chunk, Visitor&& visit) const;

  [[nodiscard]] std::uint32_t index_of(std::string_view name, std::uint64_t hash) const noexcept;
  std::uint32_t make_entry(std::string_view name, std::uint64_t hash);
  void free_entry(std::uint32_t index);
  [[nodiscard]] std::expected<TopicHandle, Error> publish_slow(std::string_view name, std::uint64_t hash,
                                                               std::uint32_t index);
  [[nodiscard]] Topic& at(TopicHandle topic) noexcept;
  [[nodiscard]] bool alive(TopicHandle topic) const noexcept;
  [[nodiscard]] std::uint16_t rule_of(std::string_view name) const noexcept;
  void match_wildcards_slow(Topic& topic) noexcept;

  Options options_;
  std::vector<History::Limits> rules_;  // of topics that no rule matches, then of options_.history_rules
  MessagePool& pool_;
  Slab<Topic> topics_;
  IndexTable by_name_;
  TopicOrder order_;  // published topics
  FilterTrie<ShardSet> wildcards_;
  std::uint64_t wildcard_version_ = 1;
  ChangeMap changes_;
  TimeSamples samples_;
  std::uint64_t position_ = 0;
  std::uint64_t forgotten_position_ = 0;
  std::int64_t time_us_ = 0;           // of the last message
  std::int64_t began_us_ = INT64_MAX;  // the first time that it was told
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
      const History& history = topics_[begun.index].history;
      const Said said = say(history, owed_of(history, chunk.after_seq, chunk), chunk.count_max, count, visit);
      if (said.wish == Visit::refuse) return {.after = chunk.after, .after_seq = chunk.after_seq};
      if (said.wish == Visit::stop) return {.after = chunk.after, .after_seq = said.last->seq};
    }
  }
  std::uint64_t after_seq = 0;
  const WalkEnd end = order_.walk(filter, chunk.after, chunk.visits_max, [&](std::uint32_t index) {
    const History& history = topics_[index].history;
    const Said said = say(history, owed_of(history, 0, chunk), chunk.count_max, count, visit);
    after_seq = said.last != nullptr ? said.last->seq : 0;
    return said.wish;
  });
  return {.done = end.done, .after = end.after, .after_seq = after_seq};
}

template <typename Visitor>
Home::Said Home::say(const History& history, const Owed& owed, std::uint32_t count_max, std::uint32_t& count,
                     Visitor&& visit) {
  const Message* last = nullptr;
  for (std::size_t i = owed.begin; i < owed.end; ++i) {
    Message* const message = history[i];
    const Visit wish = count == count_max ? Visit::refuse : visit(message);
    if (wish == Visit::refuse && last == nullptr) return {.wish = Visit::refuse};
    if (wish != Visit::refuse) {
      ++count;
      last = message;
    }
    if (wish != Visit::go_on) return {.wish = Visit::stop, .last = last};
  }
  return {};
}

// By name, and beside it a search counts what has changed. If that ends first, what is left is walked by change: what
// is not behind the cursor by name. So it costs at most four times the cheaper of both, without knowing which that is.
template <typename Visitor>
Home::ResumeEnd Home::resume(std::string_view filter, const ResumeChunk& asked, Visitor&& visit) const {
  ResumeChunk chunk = asked;
  chunk.since = std::max(chunk.since <= position_ ? chunk.since : 0, samples_.position_before(chunk.since_us));
  const Resumed outlook = this->outlook(filter, asked);
  const bool begins = chunk.after.empty() && !chunk.topic.valid();
  if (begins && is_wildcard(filter)) chunk.topic = {.index = 0, .generation = kCounting};
  const bool counts = chunk.topic.valid() && chunk.topic.generation == kCounting;
  std::uint32_t visits = begins && counts ? count_changed(chunk, std::min(kCountedFirst, chunk.visits_max / 2)) : 0;
  chunk.visits_max -= std::min(chunk.visits_max, visits);
  ResumeEnd end;
  if (chunk.topic.valid() && chunk.topic.generation != kCounting) {
    end = resume_by_change(filter, chunk, visit);
  } else {
    if (counts) chunk.visits_max = std::max(chunk.visits_max / 2, 1U);
    end = resume_by_name(filter, chunk, visit);
    chunk.after = end.after;
    chunk.within = end.within;
    if (counts && !end.done) visits += count_changed(chunk, std::max(end.visits, 1U));
    end.topic = chunk.topic;
  }
  end.resumed = std::max(end.resumed, outlook);
  end.visits += visits;
  return end;
}

template <typename Visitor>
Home::ResumeEnd Home::resume_by_name(std::string_view filter, const ResumeChunk& chunk, Visitor&& visit) const {
  ResumeEnd end{.after = chunk.after, .within = chunk.within};
  std::uint32_t count = 0;
  const auto say_missed = [&](std::uint32_t index, const ResumeChunk& from) {
    const Owed owed = missed(index, from);
    const Said said = say(topics_[index].history, owed, chunk.count_max, count, visit);
    end.resumed = std::max(end.resumed, owed.resumed);
    if (said.wish != Visit::refuse) end.within = said.last != nullptr ? said.last->position : 0;
    return said.wish;
  };
  if (chunk.within > 0) {
    ++end.visits;
    const TopicHandle begun = find(chunk.after, hash_name(options_.key, chunk.after));
    if (begun.valid() && say_missed(begun.index, chunk) != Visit::go_on) return end;
  }
  end.within = 0;
  ResumeChunk whole = chunk;
  whole.within = 0;
  const WalkEnd walked = order_.walk(filter, chunk.after, chunk.visits_max, [&](std::uint32_t index) {
    if (changes_.position(index) <= chunk.since) return Visit::go_on;
    return say_missed(index, whole);
  });
  end.done = walked.done;
  end.after = walked.after;
  end.visits += walked.visits;
  return end;
}

template <typename Visitor>
Home::ResumeEnd Home::resume_by_change(std::string_view filter, const ResumeChunk& chunk, Visitor&& visit) const {
  ResumeEnd end{.after = chunk.after, .topic = {.index = chunk.topic.index}};
  std::uint32_t count = 0;
  ResumeChunk from = chunk;
  from.within = alive(chunk.topic) ? chunk.within : 0;  // of another topic at this index all is to be said
  std::uint32_t looks = std::max(chunk.visits_max, 1U);
  while (looks > 0) {
    const ChangeMap::Found found = changes_.next(end.topic.index, chunk.since, looks);
    if (found.index != end.topic.index) from.within = 0;
    end.topic.index = found.index;
    if (!found.found) {
      end.done = found.index >= changes_.end();
      break;
    }
    const Topic& topic = topics_[found.index];
    if (matches(filter, topic.name) && TopicOrder::less(chunk.after, topic.name)) {
      const Owed owed = missed(found.index, from);
      const Said said = say(topic.history, owed, chunk.count_max, count, visit);
      end.resumed = std::max(end.resumed, owed.resumed);
      if (said.wish != Visit::go_on) {
        end.topic.generation = topic.generation;
        end.within = said.wish == Visit::stop ? said.last->position : from.within;
        break;
      }
    }
    from.within = 0;
    ++end.topic.index;
    looks -= std::min(looks, 1U);
  }
  end.visits = std::max(chunk.visits_max, 1U) - looks;
  return end;
}

}  // namespace ringcast::topics
