// SessionTable: the sessions of a shard, what they are owed, and the lists by which the connection layer learns of it.
//
// Everything that a protocol does to a connection goes through here: send bytes, stop and go on reading, end it.
// Nothing is done at once: the lists are read at the end of the turn. Thread: one shard's.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "broker/config.h"
#include "broker/instant.h"
#include "broker/journal.h"
#include "broker/outbox.h"
#include "broker/session.h"
#include "broker/timer_wheel.h"
#include "topics/shard_set.h"
#include "topics/slab.h"

namespace ringcast::broker {

// A connection that is to end.
struct Doomed {
  enum class How : std::uint8_t {
    finish,  // send what is owed, then FIN, then read until the peer has closed too
    abort,   // now
  };
  SlotId slot;
  How how = How::abort;
};

inline constexpr std::size_t kCloseCodes = 15;               // proto::close_codes()
inline constexpr std::size_t kCloseCells = kCloseCodes + 2;  // and another code, and none

class SessionTable {
 public:
  explicit SessionTable(const Config& config);
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  // A slot for a new connection, in phase http.
  [[nodiscard]] SlotId open(Instant now);
  // Its opening handshake is complete: it is open, as what its encoding says.
  void enter(Session& session, Phase phase) noexcept;
  // Forgets a connection whose phase is `ended`; its slot may be used again.
  void release(SlotId slot);

  // The session of a slot, or null when that connection has gone.
  [[nodiscard]] Session* find(SlotId slot) noexcept;
  [[nodiscard]] Session& at(std::uint32_t index) noexcept { return sessions_[index]; }
  [[nodiscard]] SlotId id(const Session& session, std::uint32_t index) const noexcept {
    return {index, session.generation};
  }
  // What the session's subscribers will get; they are counted by their compression.
  void set_encoding(Session& session, Encoding encoding) noexcept;
  // The compressions that sessions have agreed to, as bits; none is always one of them.
  [[nodiscard]] std::uint32_t compressions() const noexcept { return compressions_; }
  [[nodiscard]] std::uint32_t index_end() const noexcept { return sessions_.end(); }
  [[nodiscard]] std::size_t live() const noexcept { return sessions_.size(); }

  // Connections that have a slot, by what they are, those that are closing included.
  [[nodiscard]] std::uint64_t count(ConnectionKind kind) const noexcept {
    return kinds_[static_cast<std::size_t>(kind)];
  }
  // WebSockets that were closed, by the code that we sent, as proto::close_codes() has them in order; then those with
  // any other code, and those that went without one.
  [[nodiscard]] std::span<const std::uint64_t, kCloseCells> closes() const noexcept { return closes_; }

  // ---- owing ----

  // Hot path: once per subscription and run. The connection is owed these messages of `origin` too, unless another
  // subscription of its own has brought it this run. True if it gets them.
  bool deliver(std::uint32_t index, std::uint32_t run, std::uint32_t origin, std::span<const Span> spans) {
    Session& session = sessions_[index];
    if (session.run == run || session.phase >= Phase::closing) return false;  // or it ends in this turn
    session.run = run;
    const bool waits = session.messages_wait && topics::contains(session.waiting->origins, origin);
    Outbox& outbox = waits ? session.waiting->outbox : session.outbox;
    for (const Span& span : spans) outbox.append(span, outboxes_);
    touched(session, index);
    if (session.wants_checkpoint) owe_checkpoint(session, index);
    return true;
  }
  // The connection is owed these too, whatever it waits for.
  void append(Session& session, std::uint32_t index, std::span<const Span> spans) {
    for (const Span& span : spans) session.outbox.append(span, outboxes_);
    touched(session, index);
    if (session.phase == Phase::event_stream) owe_id(index);
    if (session.wants_checkpoint) owe_checkpoint(session, index);
  }
  // Members of Subscriptions have moved.
  void apply(const topics::Moves& moves) noexcept {
    for (const topics::Moved& moved : moves) {
      sessions_[moved.member.slot].subscriptions[moved.member.subscription].place = moved.place;
    }
  }
  // The numbers of runs begin anew.
  void forget_runs();
  // Until each hold() has its end_hold() the connection is not read, and its live messages of those origins wait that
  // hold_origin() names meanwhile.
  void hold(Session& session);
  void hold_origin(Session& session, std::uint32_t origin) noexcept;
  void end_hold(Session& session, std::uint32_t index);
  // Owes bytes that no other connection gets.
  void send_own(SlotId slot, const Span& span);
  void send_own(SlotId slot, Bytes bytes);
  void send_own(SlotId slot, std::string_view bytes);
  // The same, before the first message of which nothing was sent.
  void send_before_messages(SlotId slot, const Span& span);
  // The same, before everything but the frame that is being sent.
  void send_urgent(SlotId slot, const Span& span);
  void send_urgent(SlotId slot, Bytes bytes);
  // A pong: at once if the socket takes bytes, else only the newest is kept until it does.
  void send_pong(SlotId slot, Session& session, Bytes frame);
  // The connection layer waits for the socket, or no longer does.
  void blocked(SlotId slot);
  void unblocked(SlotId slot);
  [[nodiscard]] bool any_blocked() const noexcept { return !blocked_.empty(); }  // or was lately
  // Those that wait for the socket; valid until the next blocked().
  [[nodiscard]] std::span<const SlotId> blocked_slots() {
    forget_unblocked();
    return blocked_;
  }
  // What the connection keeps from being freed: what --max-outbox limits.
  [[nodiscard]] static std::size_t pinned_bytes(const Session& session) noexcept {
    return session.outbox.pinned_bytes() + (session.messages_wait ? session.waiting->outbox.pinned_bytes() : 0);
  }
  // Those that wait copy out what they hold of segments other than `current`, if it is little (Outbox::unpin).
  void unpin(std::span<Segment* const> current);
  // The connection is to be looked at in this turn's flush.
  void mark_dirty(Session& session, std::uint32_t index) {
    if (session.dirty || session.send_blocked || session.phase == Phase::upgrading) return;
    session.dirty = true;
    dirty_.push_back({index, session.generation});
  }

  // The event stream in `index` got messages: it is owed an id behind them (SseSession::end_turn()).
  void owe_id(std::uint32_t index) {
    Session& session = sessions_[index];
    if (session.id_due) return;
    session.id_due = true;
    ids_due_.push_back({index, session.generation});
  }
  // Those; SseSession clears it.
  [[nodiscard]] std::vector<SlotId>& ids_due() noexcept { return ids_due_; }

  // The connection is owed a checkpoint soon: it got messages. Requires: it wants one.
  void owe_checkpoint(Session& session, std::uint32_t index) {
    session.wants_checkpoint = false;
    checkpoints_due_.push_back({index, session.generation});
  }
  // Those; FullSession clears it.
  [[nodiscard]] std::vector<SlotId>& checkpoints_due() noexcept { return checkpoints_due_; }

  // ---- ending ----

  // Ends a WebSocket with a close frame, after which nothing goes (RFC 6455 §5.5.1): after the frame in progress, or
  // after all that is owed.
  enum class Owed : std::uint8_t { drop, send };
  void close_websocket(SlotId slot, std::uint16_t code, std::string_view reason, Instant now, Owed owed = Owed::drop);
  // Sends what is owed and ends.
  void finish(SlotId slot, Instant now);
  void abort(SlotId slot);

  // Names a question to a home: its late answer is not taken for that to another one of the same session. Never 0.
  [[nodiscard]] std::uint32_t take_ticket() noexcept { return take_tickets(1); }
  // The first of `count` that follow each other.
  [[nodiscard]] std::uint32_t take_tickets(std::uint32_t count) noexcept {
    if (tickets_ > UINT32_MAX - count) tickets_ = 0;
    tickets_ += count;
    return tickets_ - count + 1;
  }

  // ---- reading ----

  // Bytes were left with the connection layer: they are offered again after resume().
  void stop(Session& session) noexcept {
    if (session.phase < Phase::closing) session.stopped = true;
  }
  void resume(SlotId slot);

  // The configuration has changed.
  void configured() noexcept { outbox_max_bytes_ = config_.outbox_max_bytes; }

  // ---- deadlines ----

  // `index`'s session has this deadline now. Later ones cost nothing, an earlier one an entry in the wheel.
  void set_deadline(std::uint32_t index, Instant at);
  [[nodiscard]] const std::vector<SlotId>& expire(Instant now) { return wheel_.expire(now); }
  // A slot came out of the wheel: true when it is due; else it went in again.
  [[nodiscard]] bool is_due(SlotId slot, Instant now);
  [[nodiscard]] Instant next_deadline() const noexcept { return wheel_.next(); }

  // ---- lists, for the connection layer; it clears them ----

  std::vector<SlotId>& dirty() noexcept { return dirty_; }
  std::vector<Doomed>& doomed() noexcept { return doomed_; }
  std::vector<SlotId>& resumed() noexcept { return resumed_; }
  // Connections whose opening handshake is complete.
  std::vector<SlotId>& upgraded() noexcept { return upgraded_; }
  // Connections that pin more than outbox_max_bytes: Lag deals with them.
  std::vector<SlotId>& overflowed() noexcept { return overflowed_; }

  // True when one of the lists that are carried out in a turn has grown since.
  [[nodiscard]] bool has_work() const noexcept {
    return !doomed_.empty() || !resumed_.empty() || !upgraded_.empty() || !overflowed_.empty();
  }

  // From now on answers end their connection.
  void drain() noexcept { draining_ = true; }
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  [[nodiscard]] std::unique_ptr<HttpExchange> new_exchange() const;

  // What becomes of connections that the log shall tell.
  [[nodiscard]] Journal& journal() noexcept { return journal_; }

  [[nodiscard]] SegmentPool& segments() noexcept { return segments_; }
  [[nodiscard]] OutboxPool& outboxes() noexcept { return outboxes_; }
  [[nodiscard]] SegmentWriter& own_writer() noexcept { return own_; }

 private:
  void touched(Session& session, std::uint32_t index) {
    mark_dirty(session, index);
    if (pinned_bytes(session) > outbox_max_bytes_ && !session.overflowed) {
      session.overflowed = true;
      overflowed_.push_back({index, session.generation});
    }
  }

  void forget_unblocked();

  const Config& config_;
  std::size_t outbox_max_bytes_;
  SegmentPool segments_;
  OutboxPool outboxes_{segments_};
  SegmentWriter own_{segments_};  // bytes for one connection: answers, control frames, snapshots
  topics::Slab<Session> sessions_;
  TimerWheel wheel_;
  std::vector<SlotId> dirty_;
  std::vector<Doomed> doomed_;
  std::vector<SlotId> resumed_;
  std::vector<SlotId> upgraded_;
  std::vector<SlotId> blocked_;  // each blocked session once; also some that are no longer, which unpin() removes
  std::vector<SlotId> overflowed_;
  std::array<std::uint32_t, kCompressions> users_{};  // sessions by what they agreed to; those with none not counted
  std::uint32_t compressions_ = compression_bit(Compression::none);
  std::array<std::uint64_t, kConnectionKinds> kinds_{};
  std::array<std::uint64_t, kCloseCells> closes_{};
  std::vector<SlotId> ids_due_;
  std::vector<SlotId> checkpoints_due_;
  Journal journal_;
  std::uint32_t tickets_ = 0;
  bool draining_ = false;
};

}  // namespace ringcast::broker
