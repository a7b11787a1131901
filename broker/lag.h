// Lag: what becomes of a connection that falls behind: that pins more than --max-outbox, or owes what is older than
// --max-lag-age, or pins most of what waits for the socket when the process pins more than --memory-budget.
//
//   close    EVERY with on_lag CLOSE, and whoever cannot be told: 4008; an event stream ends with a notice
//   skip     on_lag SKIP: the oldest messages are dropped down to half of either limit
//   degrade  on_lag DEGRADE: all messages are dropped, and of each topic the newest value is owed instead, until all of
//            that was sent (Latest::begin_lag)
//   nothing  all of its subscriptions are LATEST: what waits is little, the rest is owed as topics (broker/latest.h)
// Which of these, the connection's subscriptions say together: close if one wants it, else skip if one does. What was
// dropped is told when the socket takes bytes, at the place of the gap: so one event tells of all that was dropped
// meanwhile, and who never reads is not written to.
//
// Thread: one shard's. State is in FullState::lag.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/config.h"
#include "broker/dropped.h"
#include "broker/frame_reader.h"
#include "broker/full_session.h"
#include "broker/lag_state.h"
#include "broker/latest.h"
#include "broker/memory_use.h"
#include "broker/session_table.h"
#include "broker/slow_list.h"
#include "broker/sse_session.h"
#include "topics/hash.h"
#include "topics/message_pool.h"

namespace ringcast::broker {

class Lag {
 public:
  struct Counters {
    std::uint64_t closed = 0;            // with 4008, or `event: lag`
    std::uint64_t skips = 0;             // times that a connection's oldest messages were dropped
    std::uint64_t skipped_messages = 0;  // by them
    std::uint64_t degrades = 0;          // times that all messages of a connection gave way to newest values
    std::uint64_t merged_messages = 0;   // by them, and until they had caught up
    std::uint64_t caught_up = 0;         // connections that were told so
    std::uint64_t over_budget = 0;       // of all these, times that a connection was dealt with for the budget
  };

  struct Place {  // where this is
    std::uint32_t shard = 0;
    topics::HashKey key;
    MemoryUse& memory;                // the process's
    std::uint64_t memory_budget = 0;  // bytes; 0: none
  };

  // What it works with; all outlive it.
  struct Parts {
    SessionTable& sessions;
    FullSession& full;
    SseSession& sse;
    Latest& latest;
    topics::MessagePool& pool;
  };

  Lag(const Config& config, const Place& place, const Parts& parts);

  // Bytes that the process's shards may pin; 0: no limit.
  void set_memory_budget(std::uint64_t bytes) noexcept { place_.memory_budget = bytes; }

  // Deals with those that have fallen behind, in several turns if they are many, and tells whom that can be told.
  // Requires: no run of messages is being fanned out.
  void end_turn(Instant now);
  // False while nobody has fallen behind: then end_turn() may be left to the next turn.
  [[nodiscard]] bool hurries() const noexcept { return !sessions_.overflowed().empty(); }
  // When connections are to be looked at for what they owe so long.
  [[nodiscard]] Instant next_look() const noexcept { return next_look_; }

  // The socket takes bytes again; it took all that is owed.
  void unblocked(SlotId slot, Session& session);
  void sent(SlotId slot, Session& session);

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  // Those that were closed.
  [[nodiscard]] SlowList& slow() noexcept { return *slow_; }

 private:
  enum class Why : std::uint8_t { size, age, budget };

  // A connection that waits for its socket, and what it pins: its outbox, and with the newest values it is owed.
  struct Waiting {
    SlotId slot;
    std::size_t outbox_bytes = 0;
    std::size_t all_bytes = 0;
  };

  void look_at_overflowed(Instant now);
  void keep_budget(Instant now);
  void publish_worst(std::uint64_t total, Instant now);
  void relieve(std::uint64_t goal, std::uint64_t must, Instant now);
  [[nodiscard]] static std::uint64_t among_worst(std::uint64_t worst_bytes) noexcept;
  [[nodiscard]] std::vector<Waiting> waiting();
  // What this shard pins for its subscribers; bytes.
  [[nodiscard]] std::uint64_t pinned() noexcept { return sessions_.segments().live_bytes() + latest_.pinned_bytes(); }
  [[nodiscard]] bool has_time() const noexcept { return worked_bytes_ < kWorkBytes; }

  void look_for_old(Instant now);
  void fall_behind(SlotId slot, Session& session, Why why, Instant now);
  void deal_with(SlotId slot, Session& session, Why why, Instant now);
  [[nodiscard]] static bool all_latest(const Session& session);
  [[nodiscard]] static proto::OnLag way_of(const Session& session);
  [[nodiscard]] static std::string_view text(Why why) noexcept;
  void remember(SlotId slot, const Session& session, Why why, Instant now);
  // The filter of its first subscription; empty: it has none.
  [[nodiscard]] std::string_view filter_of(const Session& session) const;
  void log(Journal::Kind kind, SlotId slot, const Session& session, std::uint64_t messages, std::size_t owed_bytes);
  void close(SlotId slot, Session& session, Why why, Instant now);
  void skip(SlotId slot, Session& session, Why why, Instant now);
  [[nodiscard]] std::vector<Span> drop(Session& session, const Outbox::Keep& keep);
  void note(Session& session, const Dropped& dropped, LagState::Fate fate);
  [[nodiscard]] proto::Message read(const Session& session, const Dropped::Place& place);
  void note_due(SlotId slot, LagState& state);
  void degrade(SlotId slot, Session& session);
  void owe(SlotId slot, Session& session, const Dropped::Topic& topic);
  [[nodiscard]] bool owe_known(SlotId slot, Session& session, const Dropped::Topic& topic, const topics::Owed& owed);
  void owe_read(SlotId slot, Session& session, const Dropped::Topic& topic, const topics::Owed& owed);
  void end_degraded();
  void tell_before_checkpoints();
  void note_merged(Session& session);
  void tell(SlotId slot, Session& session, bool caught_up);

  // What is owed by the connections that are dealt with in one turn, but for the last: to look at each message costs
  // some 30 ns, and nobody else shall wait for milliseconds.
  static constexpr std::size_t kWorkBytes = 1024 * 1024;
  // A connection that pins less is left alone when the budget is kept: it would not help.
  static constexpr std::size_t kWorthDealingBytes = 16 * 1024;
  // So long the budget may be exceeded before those are closed who have degraded: what others pin may be what is too
  // much, and they have their turns to give it back.
  static constexpr std::int64_t kPatienceMs = 100;

  const Config& config_;
  Place place_;
  SessionTable& sessions_;
  FullSession& full_;
  SseSession& sse_;
  Latest& latest_;
  topics::MessagePool& pool_;
  FrameReader reader_;
  std::unique_ptr<SlowList> slow_ = std::make_unique<SlowList>();
  std::vector<SlotId> due_;  // to be told, unless they are blocked
  Instant next_look_ = Instant::never();
  Instant over_since_ = Instant::never();  // the budget is exceeded
  Instant worst_told_ = Instant::never();  // when the worst laggards were looked for last
  std::size_t worked_bytes_ = 0;           // in this turn
  Counters counters_;
};

}  // namespace ringcast::broker
