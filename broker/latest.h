// Latest: gives LATEST subscriptions the newest value of each topic, each at its pace.
//
// Nobody is owed messages here, but topics (topics::OwedSet), whose newest values are in the shard's one LatestTable.
// At a pace's tick what was owed at its beginning is encoded, once per encoding, and given to all who are owed it.
// Groups:   members of equal filter, encoding and pace that are not behind share one owed set (Subscriptions::shares).
// Solos:    who is behind, still joining, does not hear its own messages, or has subscriptions that may match one topic
//           has owed sets of its own (Solo), one per pace. Who falls behind leaves its group with a copy of its set.
//           When a solo is owed just what its group is, it returns.
// Once:     a topic is in one set of a connection. match() gives EVERY first, then the faster: the first that brings a
//           connection a message takes the topic out of its other sets. So a newer message is never followed by an
//           older.
// Order:    values are sent between runs only (FanOut::pending() is false): then the table has nothing that some of
//           those it is for have not been owed.
// Lagging:  a connection whose EVERY subscriptions have become LATEST until it has caught up (begin_lag()): it is owed
//           everything at kUnpaced.
//
// Thread:   one shard's.
// Hot path: keep() once per message that is owed, owe_group() once per group and run, owe_member() once per solo and
//           run. No allocation in the steady state.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/instant.h"
#include "broker/mesh.h"
#include "broker/pace.h"
#include "broker/renderings.h"
#include "broker/session_table.h"
#include "topics/latest_table.h"
#include "topics/owed_set.h"
#include "topics/subscriptions.h"

namespace ringcast::broker {

class Latest {
 public:
  // What one turn appends to one connection or group: about what a socket buffer takes; bytes of frames.
  static constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;
  // A connection that has more unsent than this is behind, though its socket may take bytes; bytes.
  static constexpr std::size_t kAheadMax = std::size_t{64} * 1024;
  // Topics that a change of pace moves at once; those of more follow at the old pace's next tick.
  static constexpr std::size_t kMovedAtOnceMax = 4096;

  struct Counters {
    std::uint64_t ticks = 0;
    std::uint64_t sent = 0;    // values and events × connections that got them
    std::uint64_t merged = 0;  // messages that were replaced by newer ones before they were sent, by set
    std::uint64_t parted = 0;  // connections that left their group
    std::uint64_t shared = 0;  // and joined it
  };

  // A message of the run that is fanned out, for those who will be owed its topic.
  struct Change {
    std::uint32_t entry = 0;  // of the table; one reference
    std::uint64_t seq = 0;
    std::uint64_t position = 0;
  };
  // The run, as those who are visited one by one see it.
  struct Run {
    std::uint32_t number = 0;  // in Session::run
    std::uint32_t origin = 0;
    SlotId publisher;  // as FanOut's
    std::span<const Change> changes;
  };

  Latest(std::uint32_t self, topics::Subscriptions& subscriptions, SessionTable& sessions, Compressor& compressor);
  Latest(const Latest&) = delete;
  Latest& operator=(const Latest&) = delete;
  ~Latest();

  // Before the first message.
  void set_codec(Protocol protocol, Codec& codec) { renderings_.set_codec(protocol, codec); }

  // ---- for FanOut ----

  // True when no message needs to be kept but those of LATEST groups.
  [[nodiscard]] bool idle() const noexcept { return table_.empty() && lagging_ == 0; }
  // Copies the message while it can be read, if somebody is owed its topic, or will be: a LATEST group of this run
  // (`wanted`), or one that lags.
  void keep(std::uint32_t origin, const Delivery& delivery, bool wanted, std::vector<Change>& changes);
  // The run is out.
  void release(std::vector<Change>& changes);

  // Owes the run to those who share the group.
  void owe_group(topics::GroupId group, const Run& run);
  // Owes it to one that stands apart in a LATEST group.
  void owe_member(topics::GroupId group, const topics::Member& member, const Run& run);
  // Before an EVERY subscription of a session that is `apart` is given the run. True if it was: it lags.
  bool take_run(Session& session, std::uint32_t index, const Run& run);

  // ---- for Subscribing ----

  // A subscription was added: whether the session hears itself and shares follows from it.
  void joined(SlotId slot, Session& session, std::uint32_t index);
  // It has been given the last values that it began with: topics that changed meanwhile were left out of them, and are
  // due now.
  void hurry(SlotId slot, Session& session, std::uint32_t index);
  // It will be taken out of Subscriptions next, and was: its group.
  void leaving(Session& session, std::uint32_t index);
  void left(topics::GroupId group);
  // All subscriptions of the session will be: nothing of it is kept.
  void forget(Session& session);
  // The subscription has another pace from now on. Requires: no run is pending.
  void change(SlotId slot, Session& session, std::uint32_t index, Pace pace);

  // ---- the turn ----

  // From now on nobody is made to wait for his pace: what is owed is due. The broker ends.
  void end_paces();
  // What has come until the next call came at `now`.
  void begin_turn(Instant now) noexcept { now_ = now; }
  // Sends what is due. Reduces `budget`, in appends to outboxes. True when there is more to do at once. Requires: no
  // run is pending.
  [[nodiscard]] bool turn(std::uint32_t& budget);
  // When something is due next.
  [[nodiscard]] Instant next_deadline() const noexcept;
  // The connection's socket takes bytes again.
  void unblocked(SlotId slot, Session& session);

  // ---- for those who must know what is owed ----

  // True if something is owed to any subscription of the session.
  [[nodiscard]] bool owes(const Session& session) const noexcept;
  // Lowers positions[origin] to just before the first message that is owed to the session.
  void lower(const Session& session, std::span<std::uint64_t> positions) const;
  [[nodiscard]] std::size_t pinned_bytes() const noexcept {
    return table_.bytes() + owed_ * (sizeof(topics::Owed) + 2 * sizeof(std::uint64_t));
  }

  // The session's share: as if nobody else were owed the same values.
  [[nodiscard]] std::size_t pinned_bytes(const Session& session) const noexcept;

  // ---- lagging ----

  // From now on the connection is owed what its EVERY subscriptions bring, newest values as fast as it takes them.
  void begin_lag(SlotId slot, Session& session);
  // Owes it a message that was dropped: `message` may be any of the topic's, the newest counts. `first`: the oldest
  // that was dropped, and how many; the newest was at `dropped_position`.
  void owe(SlotId slot, Session& session, topics::TopicHandle topic, const topics::Message& message,
           const topics::Owed& first, std::uint64_t dropped_position);
  // The topic's entry, if somebody is owed it already: then owe(…, table().newest(entry), …) needs no decoding.
  [[nodiscard]] const topics::LatestTable& table() const noexcept { return table_; }
  // Lagging connections that are owed nothing more, and whose sockets take bytes; the caller clears it.
  [[nodiscard]] std::vector<SlotId>& caught_up() noexcept { return caught_up_; }
  // It gets messages again.
  void end_lag(Session& session);
  // Whether a lagging connection has missed messages that gave way to newer ones since the last take_merged().
  [[nodiscard]] static bool has_merged(const Session& session) noexcept {
    return session.lagging && session.solo->merged.count > 0;
  }
  // Those. Requires: it lags.
  [[nodiscard]] static Merged take_merged(Session& session) { return std::exchange(session.solo->merged, {}); }

  [[nodiscard]] std::string_view filter(const Subscription& subscription) const {
    return subscriptions_.filter(subscription.place);
  }

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] Renderings& renderings() noexcept { return renderings_; }
  [[nodiscard]] const Renderings& renderings() const noexcept { return renderings_; }
  [[nodiscard]] std::size_t owed() const noexcept { return owed_; }  // topics, by set

 private:
  struct Group {
    topics::GroupId id;
    Pace pace = kUnpaced;
    topics::OwedSet owed;
    std::vector<topics::Owed> chunk;  // what is being given out now; each a reference
    std::vector<Span> spans;          // of it; each a reference
    std::uint64_t turn = 0;           // when it was served last,
    std::size_t turn_bytes = 0;       // and how much was encoded for it then
    bool listed = false;
  };
  struct PaceState {
    Pace pace = kUnpaced;
    Instant due = Instant::never();
    std::uint64_t boundary = 0;  // of the last tick: what has an older stamp is due
    bool armed = false;          // something is listed
    bool sending = false;
    bool unfinished = false;              // a group has more due than one turn's chunk
    std::vector<topics::GroupId> groups;  // that owe something
    std::vector<SlotId> solos;            // that do, and are not behind
    std::size_t next_group = 0;           // how far the tick came
    std::size_t next_solo = 0;
  };
  using Parts = Renderings::Parts;
  enum class Sent : std::uint8_t { all, more, behind, no_budget };
  // Whether who parts while a chunk is given out has it: as Subscriptions::ticked() says, or not.
  enum class Chunk : std::uint8_t { by_its_side, not_given };

  // latest.cc: paces and groups
  [[nodiscard]] PaceState& pace_state(Pace pace);
  void arm(PaceState& pace);
  [[nodiscard]] Instant tick_after_now(Pace pace) const noexcept;
  void begin_tick(PaceState& pace);
  [[nodiscard]] bool run_tick(PaceState& pace, std::uint32_t& budget);
  void end_tick(PaceState& pace);
  [[nodiscard]] Group* find_group(topics::GroupId id) noexcept;
  [[nodiscard]] const Group* find_group(topics::GroupId id) const noexcept;
  [[nodiscard]] Group& group_at(topics::GroupId id);
  void list(Group& group);
  [[nodiscard]] Sent send_group(PaceState& pace, Group& group, std::uint32_t& budget);
  void fill_chunk(Group& group, std::uint64_t boundary, std::uint32_t& budget);
  void give_chunk(const topics::Member& member, Group& group);
  void end_chunk(Group& group);
  void clear(Group& group);
  bool add(topics::OwedSet& set, const topics::Owed& owed);
  void drop(topics::OwedSet& set);

  // latest_owed.cc: what is owed to those who are served one by one
  [[nodiscard]] Solo& solo_of(Session& session);
  [[nodiscard]] static SoloSet* find_set(Session& session, Pace pace) noexcept;
  [[nodiscard]] SoloSet& set_of(Session& session, Pace pace);
  void list(SlotId slot, Session& session, SoloSet& set);
  void owe_run(SlotId slot, Session& session, Pace pace, const Run& run);
  static void note_heard(Solo& solo, std::uint32_t entry, const Solo::Heard& heard);
  [[nodiscard]] static bool hears(const Solo& solo, std::uint32_t entry, std::uint64_t position);
  void owe_topic(Session& session, SoloSet& set, topics::Owed owed);
  void take_out(SlotId slot, Session& session, SoloSet& set, std::span<const Change> changes);
  void forget_owed(std::uint32_t entry);
  void drop_solo(Session& session);

  // latest_solo.cc: how they are served
  [[nodiscard]] bool tick_solo(PaceState& pace, SlotId slot, std::uint32_t& budget);
  [[nodiscard]] static bool can_take(const Session& session) noexcept;
  [[nodiscard]] Sent send_solo(SlotId slot, Session& session, SoloSet& set, std::uint32_t& budget);
  [[nodiscard]] std::size_t send_owed(SlotId slot, Session& session, const topics::Owed& owed);
  [[nodiscard]] Parts parts_of(const topics::Owed& owed) const noexcept;
  [[nodiscard]] Parts parts_for(SlotId slot, Session& session, const topics::Owed& owed);
  [[nodiscard]] static std::uint64_t messages(const topics::Owed& owed, const Parts& parts) noexcept;
  void note_merged(Merged& merged, const topics::Owed& owed, const Parts& parts) const;
  static void add_range(Merged& merged, std::string_view topic, std::uint64_t first_seq, std::uint64_t last_seq);
  void settle(SlotId slot, Session& session);
  [[nodiscard]] bool run_ready(std::uint32_t& budget);
  [[nodiscard]] bool go_on(SlotId slot, Session& session, std::uint32_t& budget);
  void make_ready(SlotId slot, Session& session);

  // latest_sharing.cc: who shares, and what is owed when subscriptions change
  void count_in(Session& session, std::uint32_t index) const;
  void count_out(Session& session, std::uint32_t index) const;
  void hear_all_owed(Session& session) const;
  [[nodiscard]] static bool may_share(const Session& session) noexcept;
  void try_share(Session& session, SoloSet& set);
  [[nodiscard]] bool share(Session& session, std::uint32_t index, SoloSet& set);
  void part(SlotId slot, Session& session, std::uint32_t index, Chunk chunk);
  void part_all(SlotId slot, Session& session);
  [[nodiscard]] std::uint32_t overlaps(const Session& session, std::uint32_t index) const;
  enum class Wish : std::uint8_t { any, own };  // own: to hear what its connection publishes, too
  [[nodiscard]] const Subscription* wanted_by(Session& session, const topics::Owed& owed, Wish wish);
  [[nodiscard]] std::optional<Pace> pace_for(Session& session, const topics::Owed& owed);
  void move_owed(SlotId slot, Session& session, Pace from);
  void move(SlotId slot, Session& session, Pace to, const topics::Owed& owed);

  const std::uint32_t self_;
  topics::Subscriptions& subscriptions_;
  SessionTable& sessions_;
  topics::LatestTable table_;
  Renderings renderings_;
  std::vector<std::unique_ptr<Group>> groups_;     // by index; made when first owed something
  std::vector<std::unique_ptr<PaceState>> paces_;  // by pace
  std::vector<SlotId> ready_;                      // solos that go on in the next turn
  std::vector<SlotId> going_on_;                   // run_ready()'s, for its memory
  std::vector<topics::Member> parting_;            // who was found behind
  std::vector<SlotId> caught_up_;
  std::uint64_t stamp_ = 1;  // of what is owed from now on; a tick begins the next
  std::size_t owed_ = 0;
  std::size_t lagging_ = 0;  // connections
  std::size_t armed_ = 0;    // paces
  std::uint64_t turn_ = 0;
  std::size_t first_pace_ = 0;
  Instant now_;
  bool paces_ended_ = false;
  Counters counters_;
};

}  // namespace ringcast::broker
