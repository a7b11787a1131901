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
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "topics/change_map.h"
#include "topics/deadlines.h"
#include "topics/error.h"
#include "topics/filter_trie.h"
#include "topics/hash.h"
#include "topics/history.h"
#include "topics/history_rule.h"
#include "topics/index_table.h"
#include "topics/message_pool.h"
#include "topics/resumed.h"
#include "topics/shard_set.h"
#include "topics/slab.h"
#include "topics/time_samples.h"
#include "topics/topic_handle.h"
#include "topics/topic_order.h"

namespace ringcast::topics {

class Home {
 public:
  struct Options {
    std::uint16_t origin = 0;                // this shard
    HashKey key;                             // the process's
    std::uint32_t topics_max = 1'000'000;    // published topics of this home, ~0.3 KiB each without their messages
    HistoryRule history;                     // of topics that no rule matches
    std::vector<HistoryRule> history_rules;  // the first that matches decides
    std::int64_t forget_after_ms = 600'000;  // of silence a topic without a value is forgotten: until then who comes
                                             // back is told of its removal
  };

  struct Time {
    std::int64_t utc_us = 0;
    std::int64_t monotonic_ms = 0;
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
    // Gap: history may have let go what came next at the cursor before this chunk was asked for.
    Resumed resumed = Resumed::recovered;
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
    unknown,    // there is no such topic
    has_value,  // its last change was a SET that is kept
  };

  struct Counters {
    std::uint64_t topics = 0;            // published and not forgotten
    std::uint64_t entries = 0;           // these, and names with interest only
    std::uint64_t sequenced = 0;         // messages
    std::uint64_t refused = 0;           // by topics_max
    std::uint64_t expired = 0;           // values that due() gave out
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

  // One more topic may be published than topics_max says: a topic of the broker's own.
  void allow_own_topic() noexcept { ++own_topics_; }

  // The published topic of this name; not valid() if there is none. Changes nothing.
  [[nodiscard]] TopicHandle find(std::string_view name, std::uint64_t hash) const noexcept;

  // The shards that have a filter matching the topic. Requires: a handle of a topic that was not forgotten.
  [[nodiscard]] ShardSet interested(TopicHandle topic) noexcept;

  // Gives `message` its seq, position, origin and time, and keeps it if the topic's history does (its own reference).
  // The caller's reference stays the caller's: see the top of this file. `now_us`: UTC, microseconds.
  // Requires: message->topic() is the topic's name.
  Sequenced sequence(TopicHandle topic, Message* message, std::int64_t now_us);

  // ---- other settings, while it is used

  // From now on `options` counts, whose origin and key are the same: at once for how many topics there may be and when
  // they are forgotten. What each topic keeps goes over to its new rule by reclassify(). Requires: that is done.
  void configure(Options options);

  // Goes on with that, looking at some `visits` topics; true when all have their new rule. Of a topic whose new rule
  // keeps less the oldest messages go at once, without a word: with `messages_max` 0 its value too. Who comes back
  // later is told of a gap. What is too old by the new rule expires as ever, in its turn.
  [[nodiscard]] bool reclassify(std::uint32_t visits);

  // ---- the passing of time

  // Says what time it is: of deadlines from now on, and of messages that are too old. The clock may go back, time here
  // does not.
  void turn(const Time& now) noexcept;

  // A topic whose value is past its rule's age or ttl: the caller sequences a REMOVE for it, or asks again later. Not
  // valid(): there is none now. Looks at up to `visits` topics and takes them off; forgets what nobody published to for
  // forget_after_ms and that has no value, and lets go what is too old.
  [[nodiscard]] TopicHandle due(std::uint32_t& visits);

  // There was no room for that topic's REMOVE: it comes up again.
  void postpone(TopicHandle topic);

  // Monotonic milliseconds: when due() may next have something to do; INT64_MAX: not before something is published.
  [[nodiscard]] std::int64_t next_due_ms() const noexcept;

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
  ReplayEnd replay(std::string_view filter, const ReplayChunk& chunk, Visitor&& visit);

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
  ResumeEnd resume(std::string_view filter, const ResumeChunk& chunk, Visitor&& visit);

  // True if it is certain that no topic of the valid filter had a message after `position`, EVENTs included. False also
  // when that cannot be known: a position that this home never gave, a topic forgotten since, or more topics between
  // than `visits_max`.
  [[nodiscard]] bool unchanged_since(std::string_view filter, std::uint64_t position, std::uint32_t visits_max) const;

  // What census() says of a topic.
  struct TopicState {
    std::string_view name;  // valid until the next call
    std::uint64_t seq = 0;  // of its last message: how many there were, but for what a forgotten topic of its name had
    const Message* last = nullptr;  // its newest kept message; null: none
    ShardSet interested = 0;        // shards with an exact filter
  };
  // Calls visit(TopicState) -> Visit for each published topic that matches the valid filter, in the order of names,
  // after `after`. Go on with WalkEnd::after; topics that stay are visited once, whatever happens in between.
  template <typename Visitor>
  WalkEnd census(std::string_view filter, std::string_view after, std::uint32_t visits_max, Visitor&& visit) const;

  // Forgets a topic without a value, and what is left of its history: it gives its place back. Of one in which a shard
  // has exact interest that interest stays.
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
    Deadlines::Tick touched = 0;              // its last message, an EVENT included
    Deadlines::Tick due = Deadlines::kNever;  // of its entry in deadlines_
    std::uint16_t rule = 0;                   // rule_of()
    bool used = false;
    bool published = false;  // find_or_make() was asked for it
    History history;
  };
  static_assert(sizeof(Topic) == 128);

  // A HistoryRule as it is used.
  struct Rule {
    History::Limits limits;
    std::int64_t age_us = 0;                  // 0: no limit
    Deadlines::Tick ttl = Deadlines::kNever;  // ticks
    Deadlines::Tick age = Deadlines::kNever;  // the same, rounded up
  };
  [[nodiscard]] Rule rule(const HistoryRule& rule) const noexcept;
  // Rules have two sets, by turns the present one and, while topics go over to that, the one before: the highest bit of
  // Topic::rule says of which it is.
  static constexpr std::uint16_t kSetBit = 0x8000;
  [[nodiscard]] const Rule& rule_at(std::uint16_t rule) const noexcept {
    return rules_[rule / kSetBit][rule % kSetBit];
  }
  void fill_rules();
  [[nodiscard]] bool adopt_rule(std::uint32_t index);

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
  [[nodiscard]] Owed kept(std::uint32_t index, std::uint64_t after_seq, const ReplayChunk& chunk) noexcept;
  [[nodiscard]] bool overtaken(std::uint32_t index, const ReplayChunk& chunk) const noexcept;
  [[nodiscard]] Owed missed(std::uint32_t index, const ResumeChunk& chunk) noexcept;
  [[nodiscard]] Resumed outlook(std::string_view filter, const ResumeChunk& chunk) const noexcept;
  // Counts on what changed after chunk.since, from chunk.topic, with so many looks; the looks it took. When it comes to
  // the end, chunk.topic becomes the beginning of a walk by change.
  std::uint32_t count_changed(ResumeChunk& chunk, std::uint32_t looks_max) const noexcept;
  template <typename Visitor>
  ResumeEnd resume_by_name(std::string_view filter, const ResumeChunk& chunk, Visitor&& visit);
  template <typename Visitor>
  ResumeEnd resume_by_change(std::string_view filter, const ResumeChunk& chunk, Visitor&& visit);

  [[nodiscard]] std::uint32_t index_of(std::string_view name, std::uint64_t hash) const noexcept;
  std::uint32_t make_entry(std::string_view name, std::uint64_t hash);
  void free_entry(std::uint32_t index);
  [[nodiscard]] std::expected<TopicHandle, Error> publish_slow(std::string_view name, std::uint64_t hash,
                                                               std::uint32_t index);
  [[nodiscard]] Topic& at(TopicHandle topic) noexcept;
  [[nodiscard]] bool alive(TopicHandle topic) const noexcept;
  static constexpr std::int64_t kTickMs = 100;  // finer than any age or ttl that one would wait for
  [[nodiscard]] static Deadlines::Tick ticks(std::int64_t ms) noexcept;
  [[nodiscard]] static bool has_value(const Topic& topic) noexcept {
    return topic.history.size() > 0 && topic.history.newest()->op == Op::set;
  }
  void look_at(std::uint32_t index, Deadlines::Tick at);
  std::uint32_t drop_aged(Topic& topic) noexcept;
  [[nodiscard]] bool expires(std::uint32_t index);
  [[nodiscard]] Deadlines::Tick ages(Topic& topic);
  void forget_idle(std::uint32_t index);
  void unpublish(std::uint32_t index);
  [[nodiscard]] std::uint16_t rule_of(std::string_view name) const noexcept;
  void match_wildcards_slow(Topic& topic) noexcept;

  Options options_;
  std::array<std::vector<Rule>, 2> rules_;   // of topics that no rule matches, then of options_.history_rules
  std::uint16_t rule_set_ = 0;               // the present one: 0 or kSetBit
  std::uint32_t reclassified_ = UINT32_MAX;  // entries below it have their new rule
  std::uint32_t own_topics_ = 0;             // beyond topics_max
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
  Deadlines deadlines_;
  Deadlines::Tick forget_after_ = 0;   // ticks
  Deadlines::Tick now_ = 1;            // ticks; the first is 1
  std::int64_t first_ms_ = INT64_MIN;  // monotonic, of tick 1
  Counters counters_;
};

}  // namespace ringcast::topics

#include "topics/home_walks.h"  // IWYU pragma: export
