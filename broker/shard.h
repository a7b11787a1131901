// Shard: everything that one core knows: its sessions, the topics that it is home of, its subscriptions. Performs no
// I/O and reads no clock: events in, lists out.
//
// A turn: the connection layer hands in what has happened (opened, received, sent, …), calls turn(), then sends what
// the dirty connections are owed and carries out the other lists.
//
// Thread: one. In production a Worker calls it; in tests/sim the simulator calls N of them on one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "broker/authenticator.h"
#include "broker/compressor.h"
#include "broker/config.h"
#include "broker/fan_out.h"
#include "broker/farewell.h"
#include "broker/full_session.h"
#include "broker/home_shard.h"
#include "broker/http_session.h"
#include "broker/instant.h"
#include "broker/lag.h"
#include "broker/latency.h"
#include "broker/latest.h"
#include "broker/limits.h"
#include "broker/mesh.h"
#include "broker/positions.h"
#include "broker/publishing.h"
#include "broker/raw_codec.h"
#include "broker/requester.h"
#include "broker/session_table.h"
#include "broker/sse_session.h"
#include "broker/subscribing.h"
#include "broker/websocket_session.h"

namespace ringcast::broker {

// What one turn may do before sockets get their turn again.
struct Budget {
  std::uint32_t requests = 256;       // taken of each shard
  std::uint32_t appends = 16 * 1024;  // to outboxes: about half a millisecond
};

// What is the same for all shards of a process.
struct Process {
  const Config& config;
  Mesh& mesh;
  topics::HashKey hash_key;  // random: no peer can choose topics that collide
  std::uint64_t epoch = 0;   // random: sequence numbers of two starts are never mistaken for each other
  FindFile find_file = nullptr;
  std::uint64_t memory_budget = 0;  // bytes that its shards may pin for subscribers; 0: no limit
  Auth* auth = nullptr;             // null: nobody is asked who he is
  Accounts* accounts = nullptr;     // null: nobody is limited
  Budget budget = {};
};

// What is known of a connection when it is accepted.
struct Peer {
  bool reached_by_loopback = true;  // the local address that it connected to
  NetAddress address = {};          // its own, where Limits::wants_addresses()
};

class Shard {
 public:
  struct Counters {
    std::uint64_t opened = 0;
    std::uint64_t refused = 0;  // connections over max_connections
  };

  Shard(const Process& process, std::uint32_t index);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  // ---- events ----

  // A connection was accepted. Not valid() when there are far too many: close it without a word.
  [[nodiscard]] SlotId opened(const Peer& peer, Instant now);
  // Bytes came: how many were taken. If the session stopped (stopped()), the rest is to be kept, nothing more read, and
  // the rest offered again after the slot was in resumed().
  [[nodiscard]] std::size_t received(SlotId slot, MutableBytes in, Instant now);
  // The peer sends no more (end of stream), or nothing works any more (reset).
  void peer_finished(SlotId slot, Instant now);
  void peer_lost(SlotId slot);
  // The socket took some of what was owed.
  void sent(SlotId slot);
  // The socket takes nothing at the moment; it does again.
  void blocked(SlotId slot) { sessions_.blocked(slot); }
  void unblocked(SlotId slot);
  // A connection that was to finish has sent its FIN: the peer has linger_close_ms to close too.
  void fin_sent(SlotId slot, Instant now);
  // The connection layer has let go of a connection that was doomed with abort.
  void released(SlotId slot);

  // ---- the turn ----

  // Drains deliveries, takes requests, fans out, looks at deadlines. Returns which shards it has given something to
  // see.
  topics::ShardSet turn(const Now& now);
  // Every connection that was dirty has been sent what it was owed, or is blocked: more may be drained.
  void flushed() noexcept {
    drained_bytes_ = 0;
    latency_.end_round();
  }
  // Who is dirty now is being sent what he is owed, until flushed().
  void flushing() noexcept { latency_.begin_round(fan_out_.take_ran()); }

  // True when there is work that needs no event: turn() again without sleeping.
  [[nodiscard]] bool busy() const noexcept { return busy_; }
  // Before sleeping, after Doorbell::announce_sleep(): true when something has come meanwhile.
  [[nodiscard]] bool must_not_sleep();
  // True when nothing is left to be done, not even when there is room in another shard's ring. Looks at all sessions:
  // for a shard that ends.
  [[nodiscard]] bool has_done_all();
  [[nodiscard]] Instant next_deadline() const noexcept {
    return std::min({sessions_.next_deadline(), latest_.next_deadline(), lag_.next_look(), home_.next_deadline(),
                     full_.next_deadline(), leaving_.next(sessions_.index_end()), authenticator_.next_deadline(),
                     limits_.next_deadline(), staying_.empty() ? Instant::never() : staying_.front().until});
  }

  // Stops being open to anything new; what is owed is still sent, and who publishes is told to go. Then see_off() tells
  // the others, one after the other as planned, and ends every connection with 1012, but not before it has taken the
  // newest values that it is owed. close_all() does what is left of it at once.
  void drain(const Farewell& farewell);
  void see_off(const Farewell& farewell, Instant now);
  void close_all(Instant now);

  // From now on this is the configuration; what cannot change while it runs is the same. reconfigure() does what of it
  // takes its time, in several turns; true: done.
  void configure(const Config& config, std::uint64_t memory_budget);
  [[nodiscard]] bool reconfigure() { return home_.reclassify(); }

  // ---- for operators ----

  // Subscriptions that match this topic.
  [[nodiscard]] std::uint64_t members_of(std::string_view topic) { return subscriptions_.members_matching(topic); }
  // Ends an event stream, and says why.
  void end_stream(SlotId slot, std::string_view text, Instant now, SessionTable::Owed owed) {
    sse_.end(slot, {.event = "go_away", .reason = "closed", .text = text}, now, owed);
  }
  // The connection's certificate says who it is. What it may do is what everybody may, until a token says more.
  void identify_by_certificate(SlotId slot, std::string subject) {
    sessions_.at(slot.index).identity = authenticator_.of_certificate(std::move(subject));
  }
  // Those that were closed lately for being slow.
  [[nodiscard]] SlowList& slow() noexcept { return lag_.slow(); }

  // ---- for the connection layer ----

  [[nodiscard]] SessionTable& sessions() noexcept { return sessions_; }
  [[nodiscard]] const SessionTable& sessions() const noexcept { return sessions_; }
  [[nodiscard]] bool stopped(SlotId slot) noexcept;
  [[nodiscard]] HomeShard& home() noexcept { return home_; }
  [[nodiscard]] Requester& requester() noexcept { return requester_; }
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  [[nodiscard]] std::uint32_t shards() const noexcept { return mesh_.shards(); }

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] const FanOut& fan_out() const noexcept { return fan_out_; }
  [[nodiscard]] const Latest& latest() const noexcept { return latest_; }
  [[nodiscard]] const Compressor& compressor() const noexcept { return compressor_; }
  [[nodiscard]] const topics::MessagePool& pool() const noexcept { return pool_; }
  [[nodiscard]] const topics::Subscriptions& subscriptions() const noexcept { return subscriptions_; }
  [[nodiscard]] const WebSocketSession& websocket() const noexcept { return websocket_; }
  [[nodiscard]] const FullSession& full() const noexcept { return full_; }
  [[nodiscard]] const SseSession& sse() const noexcept { return sse_; }
  [[nodiscard]] const Lag& lag() const noexcept { return lag_; }
  [[nodiscard]] Latency& latency() noexcept { return latency_; }
  [[nodiscard]] const HttpSession& http() const noexcept { return http_; }
  [[nodiscard]] const Authenticator& authenticator() const noexcept { return authenticator_; }
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }

 private:
  // A connection that was told to go and is still owed newest values.
  struct Staying {
    SlotId slot;
    Instant until;
  };

  [[nodiscard]] bool drain_deliveries(const Now& now, std::uint32_t& appends);
  enum class Drained : std::uint8_t { yes, not_yet };
  [[nodiscard]] Drained drain_one(std::uint32_t origin, const Delivery& delivery, std::uint32_t& appends, Instant now);
  [[nodiscard]] bool compresses(SlotId slot) noexcept;
  void opening_message(const Delivery& delivery, std::uint32_t& appends, Instant now);
  void opening_end(std::uint32_t origin, const Delivery& delivery, Instant now);
  void acknowledge(std::uint32_t origin, const Delivery& ack, Instant now);
  void tell_started();
  [[nodiscard]] Session* find_full(SlotId slot) noexcept;
  [[nodiscard]] Codec& codec(Protocol protocol) noexcept;
  void watch_stall(Instant now);
  void complete_upgrades(Instant now);
  [[nodiscard]] bool send_latest(std::uint32_t& appends);
  void unpin();
  void look_at_deadlines(Instant now);
  void due(SlotId slot, Session& session, Instant now);
  void forget(SlotId slot);
  void see_off_due(Instant now);
  [[nodiscard]] bool must_stay(const Session& session) const noexcept;
  void send_away(std::uint32_t index, std::int64_t after_ms, Instant now);
  void close_those_served(Instant now);
  void close_away(std::uint32_t index, std::int64_t after_ms, Instant now);
  // In broker/shard_identities.cc: closes whose tokens are over, looks through all when the rules are new.
  void look_at_identities(const Now& now);
  void look_at_identity(SlotId slot, Session& session, Instant now);
  [[nodiscard]] bool look_through(Instant now);
  void close_by_token(SlotId slot, const Session& session, std::uint16_t code, std::string_view text, Instant now);

  [[nodiscard]] std::size_t connections_max() const noexcept;

  Config config_;  // this shard's own: a reload reaches each shard in its own turn
  Mesh& mesh_;
  const std::uint32_t index_;
  const Budget budget_;
  std::size_t connections_max_;
  std::size_t drain_bytes_max_;  // of payloads, until every dirty connection had its turn to send
  RawCodec raw_codec_;
  topics::MessagePool pool_;
  topics::Subscriptions subscriptions_;
  SessionTable sessions_;
  Compressor compressor_;
  Latest latest_;
  Requester requester_;
  Positions positions_;
  HomeShard home_;
  Authenticator authenticator_;
  Limits limits_;
  Publishing publishing_;
  Subscribing subscribing_;
  FanOut fan_out_;
  FullSession full_;
  HttpSession http_;
  WebSocketSession websocket_;
  SseSession sse_;
  Lag lag_;
  Leaving leaving_;
  std::vector<Staying> staying_;               // oldest first
  std::uint32_t looked_through_ = UINT32_MAX;  // slots below, since the rules are new; UINT32_MAX: all
  topics::ShardSet room_made_ = 0;             // shards whose delivery rings got room and that asked for it
  std::size_t drained_bytes_ = 0;
  std::uint64_t segments_retired_ = 0;
  std::uint32_t compressions_ = compression_bit(Compression::none);  // that compressor_ holds memory for
  std::uint32_t first_origin_ = 0;
  Instant stalled_since_ = Instant::never();  // requests have found no room
  bool stall_told_ = false;
  bool busy_ = false;
  Latency latency_;
  Counters counters_;
};

}  // namespace ringcast::broker
