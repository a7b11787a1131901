#include "broker/io/connections.h"

#include <cassert>
#include <cerrno>
#include <utility>

namespace ringcast::io {

namespace {

constexpr std::uint32_t kChunk = 64;                          // connections: as many as a chunk of sessions
constexpr SlotId kListenerSlot{.index = 0, .generation = 0};  // told apart by the kind of operation

}  // namespace

Connections::Connections(broker::Shard& shard, const Options& options)
    : shard_(shard), options_(options), scratch_(new std::uint8_t[kSendsPerBatch * kGatherBytes]) {}

Connections::Connection* Connections::find(SlotId slot) noexcept {
  if (slot.index / kChunk >= chunks_.size()) return nullptr;
  Connection& connection = chunks_[slot.index / kChunk][slot.index % kChunk];
  return connection.state != State::closed && connection.generation == slot.generation ? &connection : nullptr;
}

// ---- accepting ----

void Connections::start_accepting() {
  accepting_ = true;
  accept_retry_ = Instant::never();
  if (accept_armed_ || options_.listener < 0) return;
  accept_armed_ = true;
  operations_.push_back({.kind = OperationKind::accept, .fd = options_.listener, .slot = kListenerSlot});
}

void Connections::stop_accepting() {
  accepting_ = false;
  accept_retry_ = Instant::never();
  if (accept_armed_) {
    operations_.push_back({.kind = OperationKind::cancel_accept, .fd = options_.listener, .slot = kListenerSlot});
  }
}

void Connections::accepted(const Completion& completion, const Now& now) {
  if (!completion.more) accept_armed_ = false;
  if (completion.result < 0) {
    if (completion.result != -ECANCELED) {
      ++counters_.accept_errors;
      shard_.sessions().journal().note({.kind = broker::Journal::Kind::accept_failed,
                                        .slot = {},
                                        .count = static_cast<std::uint64_t>(-completion.result)});
    }
    // Out of descriptors or memory: arming again at once would fail at once, for ever.
    if (!accept_armed_ && accepting_) accept_retry_ = now.monotonic + kAcceptRetryMs;
    return;
  }
  ++counters_.accepted;
  const std::uint32_t self = shard_.index();
  const std::uint32_t keeper = choose_shard_ == nullptr ? self : choose_shard_(choose_context_, self);
  if (keeper == self) {
    adopt(completion.result, now.monotonic);
  } else {
    ++counters_.handed_over;
    shard_.requester().send(keeper, {.kind = broker::Request::Kind::hand_over, .fd = completion.result});
  }
  if (!accept_armed_ && accepting_) start_accepting();
}

void Connections::adopt(int fd, Instant now) {
  const SlotId slot = shard_.opened({.reached_by_loopback = options_.reached_by_loopback}, now);
  if (!slot.valid()) {
    operations_.push_back({.kind = OperationKind::close, .fd = fd});
    return;
  }
  while (slot.index / kChunk >= chunks_.size()) chunks_.push_back(std::make_unique<Connection[]>(kChunk));
  Connection& connection = chunks_[slot.index / kChunk][slot.index % kChunk];
  assert(connection.state == State::closed);
  connection = Connection{};
  connection.fd = fd;
  connection.generation = slot.generation;
  connection.state = State::open;
  ++open_;
  arm_receive(slot, connection);
}

// ---- completions ----

void Connections::complete(std::span<const Completion> completions, const Now& now) {
  for (const Completion& completion : completions) {
    switch (completion.kind) {
      case OperationKind::accept:
        accepted(completion, now);
        break;
      case OperationKind::receive:
        received(completion, now.monotonic);
        break;
      case OperationKind::send:
      case OperationKind::poll_out:
        socket_ready(completion, now.monotonic);
        break;
      case OperationKind::wake:
        break;
      case OperationKind::cancel_accept:
      case OperationKind::cancel_receive:
      case OperationKind::shutdown_write:
      case OperationKind::shutdown_both:
      case OperationKind::close:
        assert(false);  // these have no completion
        break;
    }
  }
}

void Connections::received(const Completion& completion, Instant now) {
  Connection* connection = find(completion.slot);
  assert(connection != nullptr);  // a slot is given back after its last completion only
  if (!completion.more) {
    connection->receive_armed = false;
    connection->receive_cancelled = false;
  }
  if (completion.result > 0) {
    received_data(completion.slot, *connection, completion.data, now);
  } else if (completion.result == 0) {
    end_of_stream(completion.slot, *connection, now);
  } else if (completion.result == -ENOBUFS) {
    ++counters_.starved;
  } else if (completion.result != -ECANCELED) {
    connection->end_of_stream = true;
    shard_.peer_lost(completion.slot);
  }
  want_receive(completion.slot, *connection);
  close_if_idle(completion.slot, *connection);
}

// The peer has closed its side, and may well read on: what it is owed is still sent.
void Connections::end_of_stream(SlotId slot, Connection& connection, Instant now) {
  connection.end_of_stream = true;
  if (connection.state == State::lingering) return shard_.peer_lost(slot);  // that is what lingering waited for
  if (connection.state != State::open) return;
  if (connection.kept == nullptr && !shard_.stopped(slot)) shard_.peer_finished(slot, now);  // else after what is kept
}

void Connections::received_data(SlotId slot, Connection& connection, MutableBytes data, Instant now) {
  counters_.received_bytes += data.size();
  if (connection.state == State::aborting) return;
  if (connection.state != State::open) {
    connection.thrown_away += data.size();
    if (connection.thrown_away > options_.linger_bytes_max) shard_.peer_lost(slot);
    return;
  }
  if (connection.kept != nullptr) {
    connection.kept->insert(connection.kept->end(), data.begin(), data.end());
    return;
  }
  const std::size_t taken = shard_.stopped(slot) ? 0 : shard_.received(slot, data, now);
  if (taken == data.size()) return;
  assert(shard_.stopped(slot));
  connection.kept =
      std::make_unique<std::vector<std::uint8_t>>(data.begin() + static_cast<std::ptrdiff_t>(taken), data.end());
}

// After each completion of a receive, and when something has changed: keeps it armed exactly while bytes are wanted.
void Connections::want_receive(SlotId slot, Connection& connection) {
  const bool wanted = !connection.end_of_stream && connection.state != State::aborting &&
                      (connection.state != State::open || (!shard_.stopped(slot) && connection.kept == nullptr));
  if (!wanted) return cancel_receive(slot, connection);
  if (connection.receive_armed || connection.starved) return;
  // Never at once: the buffers of this turn are given back at the next reap, and without one it would fail again.
  connection.starved = true;
  starved_.push_back(slot);
}

void Connections::arm_receive(SlotId slot, Connection& connection) {
  assert(!connection.receive_armed);
  connection.receive_armed = true;
  operations_.push_back({.kind = OperationKind::receive, .fd = connection.fd, .slot = slot});
}

void Connections::cancel_receive(SlotId slot, Connection& connection) {
  if (!connection.receive_armed || connection.receive_cancelled) return;
  connection.receive_cancelled = true;
  operations_.push_back({.kind = OperationKind::cancel_receive, .fd = connection.fd, .slot = slot});
}

void Connections::socket_ready(const Completion& completion, Instant now) {
  Connection* connection = find(completion.slot);
  assert(connection != nullptr);
  assert(connection->waits_for_socket);
  connection->waits_for_socket = false;
  broker::Session& session = shard_.sessions().at(completion.slot.index);
  if (completion.kind == OperationKind::send && completion.result > 0) {
    counters_.sent_bytes += static_cast<std::uint64_t>(completion.result);
    session.outbox.consume(static_cast<std::size_t>(completion.result), shard_.sessions().outboxes());
    if (session.wants_sent()) shard_.sent(completion.slot);
  }
  if (connection->state == State::aborting) return close_if_idle(completion.slot, *connection);
  shard_.unblocked(completion.slot);
  if (completion.result < 0) return shard_.peer_lost(completion.slot);
  if (connection->state == State::finishing && session.outbox.empty()) fin(completion.slot, *connection, now);
}

// ---- the shard's lists ----

void Connections::apply(const Now& now) {
  for (int& fd : shard_.home().handed_over()) adopt(fd, now.monotonic);
  shard_.home().handed_over().clear();
  // By index: offering bytes can resume and doom more.
  auto& resumed = shard_.sessions().resumed();
  offered_ = !resumed.empty();
  for (std::size_t i = 0; i < resumed.size(); ++i) {
    const SlotId slot = resumed[i];
    if (Connection* connection = find(slot); connection != nullptr) offer_kept(slot, *connection, now.monotonic);
  }
  resumed.clear();
  auto& doomed = shard_.sessions().doomed();
  for (std::size_t i = 0; i < doomed.size(); ++i) {
    const broker::Doomed end = doomed[i];
    Connection* connection = find(end.slot);
    if (connection == nullptr) continue;
    if (end.how == broker::Doomed::How::abort) {
      abort(end.slot, *connection);
    } else {
      finish(end.slot, *connection, now.monotonic);
    }
  }
  doomed.clear();
  if (accept_retry_ <= now.monotonic && accepting_) start_accepting();
  for (const SlotId slot : std::exchange(starved_, {})) {
    Connection* connection = find(slot);
    if (connection == nullptr) continue;
    connection->starved = false;
    if (connection->state == State::aborting || connection->receive_armed || connection->end_of_stream) continue;
    if (connection->state == State::open && (shard_.stopped(slot) || connection->kept != nullptr)) continue;
    arm_receive(slot, *connection);
  }
}

void Connections::offer_kept(SlotId slot, Connection& connection, Instant now) {
  if (connection.state != State::open) return;
  if (auto kept = std::move(connection.kept)) {
    const std::size_t taken = shard_.received(slot, *kept, now);
    if (taken < kept->size()) {
      assert(shard_.stopped(slot));
      kept->erase(kept->begin(), kept->begin() + static_cast<std::ptrdiff_t>(taken));
      connection.kept = std::move(kept);
    }
  }
  if (connection.kept == nullptr && connection.end_of_stream && !shard_.stopped(slot)) shard_.peer_finished(slot, now);
  want_receive(slot, connection);
}

void Connections::finish(SlotId slot, Connection& connection, Instant now) {
  if (connection.state != State::open) return;
  connection.state = State::finishing;
  connection.kept.reset();
  want_receive(slot, connection);
  if (shard_.sessions().at(slot.index).outbox.empty()) fin(slot, connection, now);
}

void Connections::fin(SlotId slot, Connection& connection, Instant now) {
  assert(connection.state == State::finishing);
  connection.state = State::lingering;
  operations_.push_back({.kind = OperationKind::shutdown_write, .fd = connection.fd, .slot = slot});
  if (connection.end_of_stream) return shard_.peer_lost(slot);  // its side is closed: nothing to linger for
  shard_.fin_sent(slot, now);
}

void Connections::abort(SlotId slot, Connection& connection) {
  if (connection.state == State::aborting) return;
  connection.state = State::aborting;
  connection.kept.reset();
  if (connection.receive_armed || connection.waits_for_socket) {
    operations_.push_back({.kind = OperationKind::shutdown_both, .fd = connection.fd, .slot = slot});
  }
  close_if_idle(slot, connection);
}

void Connections::close_if_idle(SlotId slot, Connection& connection) {
  if (connection.state != State::aborting || connection.receive_armed || connection.waits_for_socket) return;
  operations_.push_back({.kind = OperationKind::close, .fd = connection.fd, .slot = slot});
  connection = Connection{};
  --open_;
  shard_.released(slot);
}

bool Connections::has_more() const noexcept {
  return offered_ || !shard_.sessions().doomed().empty();
}

// ---- sending ----

bool Connections::flush(Backend& backend, std::size_t connections_max, Instant now) {
  auto& dirty = shard_.sessions().dirty();
  if (round_left_ == 0) {
    round_left_ = dirty.size();
    shard_.flushing();
  }
  const std::size_t end = std::min(dirty.size(), connections_max);
  dirty_done_ = 0;
  while (dirty_done_ < end) {
    gather_batch(end);
    if (batch_.empty()) continue;
    account_batch(backend.send(batch_), now);
  }
  dirty.erase(dirty.begin(), dirty.begin() + static_cast<std::ptrdiff_t>(end));
  dirty.insert(dirty.end(), dirty_again_.begin(), dirty_again_.end());
  dirty_again_.clear();
  round_left_ -= std::min(round_left_, end);
  if (round_left_ == 0) shard_.flushed();
  return dirty.empty();
}

void Connections::gather_batch(std::size_t end) {
  batch_.clear();
  const auto& dirty = shard_.sessions().dirty();
  for (; dirty_done_ < end && batch_.size() < kSendsPerBatch; ++dirty_done_) {
    const SlotId slot = dirty[dirty_done_];
    broker::Session* session = shard_.sessions().find(slot);
    if (session == nullptr) continue;
    session->dirty = false;
    const Connection* connection = find(slot);
    assert(connection != nullptr);
    if (connection->state == State::aborting || connection->waits_for_socket || session->outbox.empty()) continue;
    if (session->phase == broker::Phase::upgrading) continue;
    const MutableBytes scratch{scratch_.get() + batch_.size() * kGatherBytes, kGatherBytes};
    batch_.push_back({.fd = connection->fd, .slot = slot, .data = session->outbox.gather(scratch, kSendBytesMax)});
  }
}

void Connections::account_batch(std::span<const Short> shorts, Instant now) {
  broker::SessionTable& sessions = shard_.sessions();
  for (const Send& send : batch_) {
    ++counters_.sends;
    broker::Session& session = sessions.at(send.slot.index);
    std::size_t taken = send.data.size();
    std::int32_t error = 0;
    if (!shorts.empty() && shorts.front().slot == send.slot) {
      taken = shorts.front().result > 0 ? static_cast<std::size_t>(shorts.front().result) : 0;
      error = shorts.front().result < 0 ? shorts.front().result : -EAGAIN;
      shorts = shorts.subspan(1);
    }
    counters_.sent_bytes += taken;
    session.outbox.consume(taken, sessions.outboxes());
    Connection& connection = *find(send.slot);
    if (error == -EAGAIN) {
      wait_for_socket(send.slot, connection);
    } else if (error != 0) {
      shard_.peer_lost(send.slot);
    } else if (!session.outbox.empty()) {
      session.dirty = true;
      dirty_again_.push_back(send.slot);
    } else if (connection.state == State::finishing) {
      fin(send.slot, connection, now);
    }
    if (session.wants_sent()) shard_.sent(send.slot);
  }
  assert(shorts.empty());
}

// The socket is full. A frame that was begun must be finished with just these bytes; otherwise what goes next is chosen
// when there is room for it.
void Connections::wait_for_socket(SlotId slot, Connection& connection) {
  ++counters_.blocked;
  connection.waits_for_socket = true;
  shard_.blocked(slot);
  broker::Outbox& outbox = shard_.sessions().at(slot.index).outbox;
  if (outbox.frame_begun()) {
    const Bytes rest = outbox.begun_frame(shard_.sessions().outboxes());
    operations_.push_back({.kind = OperationKind::send, .fd = connection.fd, .slot = slot, .data = rest});
  } else {
    operations_.push_back({.kind = OperationKind::poll_out, .fd = connection.fd, .slot = slot});
  }
}

}  // namespace ringcast::io
