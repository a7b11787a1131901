#include "broker/io/connections.h"

#include <cassert>
#include <cerrno>
#include <utility>

namespace ringcast::io {

namespace {

constexpr std::uint32_t kChunk = 64;  // connections: as many as a chunk of sessions

// Told apart from a connection's by the kind of operation.
constexpr SlotId listener_slot(std::size_t via) {
  return {.index = static_cast<std::uint32_t>(via), .generation = 0};
}

}  // namespace

Connections::Connections(broker::Shard& shard, const Options& options, std::unique_ptr<TlsShard> tls)
    : shard_(shard),
      options_(options),
      tls_(std::move(tls)),
      scratch_(new std::uint8_t[kSendsPerBatch * kGatherBytes]),
      listeners_{Listener{.fd = options.listener}, Listener{.fd = options.tls_listener}} {
  assert(options.tls_listener < 0 || tls_ != nullptr);
}

Connections::Connection* Connections::find(SlotId slot) noexcept {
  if (slot.index / kChunk >= chunks_.size()) return nullptr;
  Connection& connection = chunks_[slot.index / kChunk][slot.index % kChunk];
  return connection.state != State::closed && connection.generation == slot.generation ? &connection : nullptr;
}

// ---- accepting ----

void Connections::start_accepting() {
  accepting_ = true;
  accept_retry_ = Instant::never();
  for (std::size_t via = 0; via < listeners_.size(); ++via) {
    Listener& listener = listeners_[via];
    if (listener.armed || listener.fd < 0) continue;
    listener.armed = true;
    operations_.push_back({.kind = OperationKind::accept, .fd = listener.fd, .slot = listener_slot(via)});
  }
}

void Connections::stop_accepting() {
  accepting_ = false;
  accept_retry_ = Instant::never();
  for (std::size_t via = 0; via < listeners_.size(); ++via) {
    if (!listeners_[via].armed) continue;
    operations_.push_back({.kind = OperationKind::cancel_accept, .fd = listeners_[via].fd, .slot = listener_slot(via)});
  }
}

void Connections::accepted(const Completion& completion, const Now& now) {
  Listener& listener = listeners_[completion.slot.index];
  const Via via = static_cast<Via>(completion.slot.index);
  if (!completion.more) listener.armed = false;
  if (completion.result < 0) {
    if (completion.result != -ECANCELED) {
      ++counters_.accept_errors;
      shard_.sessions().journal().note({.kind = broker::Journal::Kind::accept_failed,
                                        .slot = {},
                                        .count = static_cast<std::uint64_t>(-completion.result)});
    }
    // Out of descriptors or memory: arming again at once would fail at once, for ever.
    if (!listener.armed && accepting_) accept_retry_ = now.monotonic + kAcceptRetryMs;
    return;
  }
  ++counters_.accepted;
  const std::uint32_t self = shard_.index();
  const std::uint32_t keeper = choose_shard_ == nullptr ? self : choose_shard_(choose_context_, self);
  if (keeper == self) {
    adopt(completion.result, now.monotonic, via);
  } else {
    ++counters_.handed_over;
    shard_.requester().send(
        keeper, {.kind = broker::Request::Kind::hand_over, .tls = via == Via::tls, .fd = completion.result});
  }
  if (!listener.armed && accepting_) start_accepting();
}

void Connections::adopt(int fd, Instant now, Via via) {
  const bool by_loopback = via == Via::tls ? options_.tls_reached_by_loopback : options_.reached_by_loopback;
  const bool admitted = via == Via::plain || tls_->admit();
  const bool asks = address_of_ != nullptr && shard_.limits().wants_addresses();
  const broker::Peer peer{.reached_by_loopback = by_loopback, .address = asks ? address_of_(fd) : broker::NetAddress{}};
  const SlotId slot = admitted ? shard_.opened(peer, now) : SlotId{};
  if (!slot.valid()) {
    if (via == Via::tls && admitted) tls_->over();
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
  if (via == Via::tls) connection.tls = std::make_unique<TlsConnection>(tls_->context(), tls_->wire);
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
  if (tls_ != nullptr) step_handshakes(now.monotonic);
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
  if (connection.state != State::open) return throw_away(slot, connection, data.size());
  if (connection.tls != nullptr) return received_sealed(slot, connection, data, now);
  received_plain(slot, connection, data, now);
}

void Connections::throw_away(SlotId slot, Connection& connection, std::size_t size) {
  const std::uint64_t sum = connection.thrown_away + std::uint64_t{size};
  connection.thrown_away = static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, UINT32_MAX));
  if (sum > options_.linger_bytes_max) shard_.peer_lost(slot);
}

void Connections::received_plain(SlotId slot, Connection& connection, MutableBytes data, Instant now) {
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
    const auto size = static_cast<std::size_t>(completion.result);
    counters_.sent_bytes += size;
    if (connection->tls != nullptr) {
      sealed_was_sent(*connection->tls, connection->tls->owed, size);
    } else {
      session.outbox.consume(size, shard_.sessions().outboxes());
    }
    if (session.wants_sent()) shard_.sent(completion.slot);
  }
  if (connection->state == State::aborting) return close_if_idle(completion.slot, *connection);
  shard_.unblocked(completion.slot);
  if (completion.result < 0) return shard_.peer_lost(completion.slot);
  if (connection->tls != nullptr && connection->tls->owes())
    shard_.sessions().mark_dirty(session, completion.slot.index);
  if (connection->state == State::finishing) fin_if_sent(completion.slot, *connection, now);
}

// ---- the shard's lists ----

void Connections::apply(const Now& now) {
  for (const broker::HandedOver& one : shard_.home().handed_over()) {
    adopt(one.fd, now.monotonic, one.tls ? Via::tls : Via::plain);
  }
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
  // Before the end of a handshake there is nothing in which anybody could be told something.
  if (connection.tls != nullptr && connection.tls->stage.state() == TlsStage::State::handshaking) {
    return shard_.peer_lost(slot);
  }
  connection.state = State::finishing;
  connection.kept.reset();
  want_receive(slot, connection);
  fin_if_sent(slot, connection, now);
}

// All that is owed has been sent, or something is left to be said first (close_notify, RFC 8446 §6.1).
void Connections::fin_if_sent(SlotId slot, Connection& connection, Instant now) {
  assert(connection.state == State::finishing);
  if (!shard_.sessions().at(slot.index).outbox.empty()) return;
  if (connection.tls != nullptr) {
    connection.tls->stage.close();
    take_said(slot, connection);
    if (connection.tls->owes()) return;
  }
  fin(slot, connection, now);
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
  forget_tls(connection);
  connection = Connection{};
  --open_;
  shard_.released(slot);
}

bool Connections::has_more() const noexcept {
  return offered_ || !shard_.sessions().doomed().empty();
}

}  // namespace ringcast::io
