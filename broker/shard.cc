#include "broker/shard.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ringcast::broker {

namespace {

// Connections beyond max_connections that are still told why they are refused; more are closed without a word.
constexpr std::size_t kRefusedAtOnceMax = 64;

// A stall is told when it has lasted so long: some hundred turns under load.
constexpr std::int64_t kStallToldMs = 500;

// Of one run, to members of groups: as many as connections have subscriptions to one topic, usually.
constexpr std::uint32_t kEnoughAppends = 128 * 1024;

}  // namespace

Shard::Shard(const Process& process, std::uint32_t index)
    : config_(process.config),
      mesh_(process.mesh),
      index_(index),
      budget_(process.budget),
      connections_max_(connections_max()),
      drain_bytes_max_(config_.outbox_max_bytes / 8),
      subscriptions_({.shards = process.mesh.shards(), .key = process.hash_key}),
      sessions_(config_),
      compressor_(config_.compress_min_bytes),
      latest_(index, subscriptions_, sessions_, compressor_),
      requester_(process.mesh, index, pool_),
      positions_(process.mesh.shards()),
      home_(process.mesh, index, process.hash_key, config_, pool_),
      authenticator_(process.auth, index, process.accounts),
      limits_(process.accounts, config_, sessions_),
      publishing_(index, process.mesh.shards(), process.hash_key, requester_, pool_, sessions_),
      subscribing_(process.mesh.shards(), process.hash_key, requester_, sessions_, subscriptions_, compressor_,
                   latest_),
      fan_out_(index, sessions_, subscriptions_, compressor_, latest_),
      full_(config_, {.shard = index, .shards = process.mesh.shards(), .key = process.hash_key, .epoch = process.epoch},
            sessions_, publishing_, subscribing_, requester_, latest_, positions_, authenticator_, limits_),
      http_(config_, process.hash_key, process.epoch, process.find_file, sessions_, publishing_, subscribing_,
            authenticator_, limits_),
      websocket_(config_, sessions_, publishing_, full_, subscriptions_, limits_),
      sse_(config_, {.shards = process.mesh.shards(), .key = process.hash_key, .epoch = process.epoch}, sessions_,
           subscribing_, latest_, positions_),
      lag_(config_,
           {.shard = index,
            .key = process.hash_key,
            .memory = process.mesh.memory(),
            .memory_budget = process.memory_budget},
           {.sessions = sessions_, .full = full_, .sse = sse_, .latest = latest_, .pool = pool_}) {
  for (std::size_t i = 0; i < kProtocols; ++i) {
    const auto protocol = static_cast<Protocol>(i);
    fan_out_.set_codec(protocol, codec(protocol));
    latest_.set_codec(protocol, codec(protocol));
  }
}

std::size_t Shard::connections_max() const noexcept {
  return (config_.max_connections + mesh_.shards() - 1) / mesh_.shards();
}

void Shard::configure(const Config& config, std::uint64_t memory_budget) {
  config_ = config;
  connections_max_ = connections_max();
  drain_bytes_max_ = config_.outbox_max_bytes / 8;
  sessions_.configured();
  limits_.configured();
  compressor_.set_size_min(config_.compress_min_bytes);
  lag_.set_memory_budget(memory_budget);
  home_.configure(config_);
}

Codec& Shard::codec(Protocol protocol) noexcept {
  if (is_event_stream(protocol)) return sse_.codec(protocol);
  if (protocol == Protocol::raw) return raw_codec_;
  return full_.codec(encoding_of(protocol));
}

Shard::~Shard() {
  for (std::uint32_t i = 0; i < sessions_.index_end(); ++i) {
    Session& session = sessions_.at(i);
    (void)publishing_.take_back(session);
    session.outbox.clear(sessions_.outboxes());
    if (session.waiting != nullptr) session.waiting->outbox.clear(sessions_.outboxes());
    latest_.forget(session);
  }
}

SlotId Shard::opened(const Peer& peer, Instant now) {
  if (sessions_.live() >= connections_max_ + kRefusedAtOnceMax) {
    ++counters_.refused;
    sessions_.journal().note({.kind = Journal::Kind::refused, .slot = {}, .count = config_.max_connections});
    return {};
  }
  const SlotId slot = sessions_.open(now);
  Session& session = sessions_.at(slot.index);
  session.identity = authenticator_.anonymous();
  session.reached_by_loopback = peer.reached_by_loopback;
  ++counters_.opened;
  if (sessions_.live() > connections_max_) {
    ++counters_.refused;
    sessions_.journal().note({.kind = Journal::Kind::refused, .slot = slot, .count = config_.max_connections});
    http_.refuse(slot, 503, "too_many_connections", "the broker has as many connections as --max-connections allows",
                 now);
  } else if (const auto begun = limits_.opened(slot, peer.address, now); !begun) {
    sessions_.journal().note({.kind = Journal::Kind::limited, .slot = slot});
    if (begun.error().untold) {
      sessions_.abort(slot);
    } else {
      http_.refuse(slot, begun.error(), now);
    }
  }
  return slot;
}

std::size_t Shard::received(SlotId slot, MutableBytes in, Instant now) {
  Session* session = sessions_.find(slot);
  assert(session != nullptr);
  if (session->phase == Phase::http) return http_.received(slot, in, now);
  if (session->phase == Phase::websocket) return websocket_.received(slot, in, now);
  if (session->phase == Phase::event_stream) sse_.received(slot, *session, now);
  if (session->phase == Phase::upgrading) return 0;
  return in.size();  // a stream, or it ends: what comes is thrown away
}

bool Shard::stopped(SlotId slot) noexcept {
  const Session* session = sessions_.find(slot);
  return session != nullptr && session->stopped;
}

void Shard::peer_finished(SlotId slot, Instant now) {
  Session* session = sessions_.find(slot);
  if (session == nullptr) return;
  switch (session->phase) {
    case Phase::http:
      return http_.peer_finished(slot, now);
    case Phase::websocket:
      if (WebSocketSession::is_closing(*session)) return;
      [[fallthrough]];
    case Phase::upgrading:
    case Phase::event_stream:
      // Without a close frame: nobody is left to be told anything (RFC 6455 §7.1.5, code 1006).
      return sessions_.abort(slot);
    case Phase::closing:  // what it is owed is still sent, then the connection ends
    case Phase::free:
    case Phase::ended:
      return;
  }
}

void Shard::peer_lost(SlotId slot) {
  sessions_.abort(slot);
}

void Shard::sent(SlotId slot) {
  subscribing_.sent(slot);
  if (Session* session = sessions_.find(slot)) lag_.sent(slot, *session);
  tell_started();
}

void Shard::unblocked(SlotId slot) {
  sessions_.unblocked(slot);
  Session& session = sessions_.at(slot.index);
  lag_.unblocked(slot, session);  // before what is owed: a Lag event stands where messages are missing
  latest_.unblocked(slot, session);
  if (session.phase == Phase::event_stream) sse_.unblocked(slot, session);
}

void Shard::fin_sent(SlotId slot, Instant now) {
  Session* session = sessions_.find(slot);
  if (session != nullptr && session->phase == Phase::closing)
    sessions_.set_deadline(slot.index, now + config_.linger_close_ms);
}

void Shard::released(SlotId slot) {
  forget(slot);  // it may have been doomed since the last turn
  limits_.released(slot);
  sessions_.release(slot);
}

topics::ShardSet Shard::turn(const Now& now) {
  std::uint32_t appends = budget_.appends;
  sessions_.segments().set_now(now.monotonic);
  http_.begin_turn(now);
  latest_.begin_turn(now.monotonic);
  if (authenticator_.on()) look_at_identities(now);
  limits_.turn(now.monotonic);
  requester_.advance();
  publishing_.advance();
  home_.reclaim();
  topics::ShardSet shown = requester_.flush();
  // Where one run follows the other, this is the one moment at which none is pending.
  bool more = fan_out_.pending() && fan_out_.step(appends) && send_latest(appends);
  more |= drain_deliveries(now, appends);
  more |= home_.take(now, budget_.requests);
  watch_stall(now.monotonic);
  shown |= home_.flush();
  more |= drain_deliveries(now, appends);
  full_.end_turn(now.monotonic);
  complete_upgrades(now.monotonic);
  if (fan_out_.pending() && lag_.hurries()) {
    std::uint32_t extra = std::max(4 * budget_.appends, kEnoughAppends);  // outboxes must not grow on while runs go out
    (void)fan_out_.step(extra);
  }
  if (!fan_out_.pending()) {
    positions_.settle();
    more |= send_latest(appends);
    sse_.end_turn(now.monotonic);
    lag_.end_turn(now.monotonic);
  }
  look_at_deadlines(now.monotonic);
  see_off_due(now.monotonic);
  for (const Doomed& doomed : sessions_.doomed()) forget(doomed.slot);
  first_origin_ = (first_origin_ + 1) % mesh_.shards();
  unpin();
  if (sessions_.compressions() != compressions_) {
    compressions_ = sessions_.compressions();
    compressor_.keep_for(compressions_);
    websocket_.keep_for(compressions_);
  }
  const topics::ShardSet late = requester_.flush() | home_.flush();
  busy_ = more || topics::contains(late, index_) || authenticator_.anybody_waits() || looked_through_ != UINT32_MAX;
  return (shown | late | std::exchange(room_made_, 0) | home_.take_room_made()) & ~topics::only(index_);
}

// A turn without room is routine under load; a while without is worth a line.
void Shard::watch_stall(Instant now) {
  if (home_.stalled_on() == 0) {
    if (std::exchange(stall_told_, false)) {
      sessions_.journal().note({.kind = Journal::Kind::flowing, .slot = {}, .ms = now - stalled_since_});
    }
    stalled_since_ = Instant::never();
    return;
  }
  stalled_since_ = std::min(stalled_since_, now);
  if (stall_told_ || now - stalled_since_ < kStallToldMs) return;
  stall_told_ = true;
  sessions_.journal().note(
      {.kind = Journal::Kind::stalled, .slot = {}, .count = home_.stalled_on(), .ms = now - stalled_since_});
}

// What is due of LATEST subscriptions, between two runs. True when there is more of it.
bool Shard::send_latest(std::uint32_t& appends) {
  full_.carry_out_changes();
  return latest_.turn(appends);
}

void Shard::unpin() {
  const std::uint64_t retired = fan_out_.segments_retired() + latest_.renderings().segments_retired();
  if (retired == segments_retired_) return;
  segments_retired_ = retired;
  std::vector<Segment*>& current = fan_out_.current_segments();
  latest_.renderings().current_segments(current);
  sessions_.unpin(current);
}

void Shard::complete_upgrades(Instant now) {
  for (const SlotId slot : sessions_.upgraded()) {
    Session* session = sessions_.find(slot);
    if (session == nullptr || session->phase != Phase::upgrading) continue;
    if (is_event_stream(protocol_of(session->encoding))) {
      sse_.opened(slot, now);
    } else {
      websocket_.opened(slot, now);
    }
    sessions_.mark_dirty(*session, slot.index);
    sessions_.resume(slot);
  }
  sessions_.upgraded().clear();
}

void Shard::look_at_deadlines(Instant now) {
  for (const SlotId slot : sessions_.expire(now)) {
    if (sessions_.is_due(slot, now)) due(slot, sessions_.at(slot.index), now);
  }
}

void Shard::due(SlotId slot, Session& session, Instant now) {
  switch (session.phase) {
    case Phase::http:
      return http_.due(slot, now);
    case Phase::upgrading:
      subscribing_.leave_all(slot, session);
      return http_.refuse_upgrade(slot, now);
    case Phase::websocket:
      return websocket_.due(slot, now);
    case Phase::event_stream:
      return sse_.due(slot, session, now);
    case Phase::closing:
      return sessions_.abort(slot);
    case Phase::free:
    case Phase::ended:
      return;
  }
}

// A session that is doomed is no subscriber any more, and what it holds back is not published.
void Shard::forget(SlotId slot) {
  Session* session = sessions_.find(slot);
  assert(session != nullptr);
  subscribing_.leave_all(slot, *session);
  (void)publishing_.take_back(*session);
  session->http.reset();
  session->topic.reset();
  session->pong.reset();
}

bool Shard::must_not_sleep() {
  // From after the last turn.
  if (sessions_.has_work() || !sessions_.ids_due().empty() || requester_.unflushed()) return true;
  for (std::uint32_t other = 0; other < mesh_.shards(); ++other) {
    if (!mesh_.deliveries(other, index_).empty()) return true;
  }
  return home_.has_requests() || requester_.ask_for_room() || home_.ask_for_room();
}

}  // namespace ringcast::broker
