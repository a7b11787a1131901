// The TLS of connections: what came is opened before the session gets it, what is owed is sealed when it is sent.
#include <cassert>
#include <utility>

#include "broker/io/connections.h"

namespace ringcast::io {

// ---- receiving ----

void Connections::received_sealed(SlotId slot, Connection& connection, Bytes data, Instant now) {
  TlsConnection& tls = *connection.tls;
  if (tls.stage.state() == TlsStage::State::handshaking) {
    tls.handshake_bytes += static_cast<std::uint32_t>(data.size());
    if (tls.handshake_bytes > kTlsHandshakeBytesMax) return fail_tls(slot, connection, now);
    tls.arrived.insert(tls.arrived.end(), data.begin(), data.end());
    return tls_->wait(slot, tls);
  }
  tls_->wire.in = data;
  open_sealed(slot, connection, now);
}

// A turn takes only some steps; the others wait in their order, and what came for them with them.
void Connections::step_handshakes(Instant now) {
  for (std::size_t steps = 0; steps < TlsShard::kStepsPerTurn; ++steps) {
    const SlotId slot = tls_->next(now);
    if (!slot.valid()) return;
    Connection* const connection = find(slot);
    if (connection == nullptr || connection->state != State::open) continue;
    step_handshake(slot, *connection, now);
  }
}

void Connections::step_handshake(SlotId slot, Connection& connection, Instant now) {
  TlsConnection& tls = *connection.tls;
  tls.waits = false;
  tls.begun = true;
  if (tls.stage.state() != TlsStage::State::handshaking) return;
  const std::vector<std::uint8_t> arrived = std::exchange(tls.arrived, {});
  tls_->wire.in = arrived;
  switch (tls.stage.handshake()) {
    case TlsStage::State::handshaking:
      return take_said(slot, connection);
    case TlsStage::State::open:
      tls_->over();
      ++tls_->counters.handshakes;
      if (tls.stage.resumed()) ++tls_->counters.resumed;
      identify(slot, tls);
      open_sealed(slot, connection, now);  // its first request may have come with its last words
      want_receive(slot, connection);
      return;
    case TlsStage::State::closed:
    case TlsStage::State::failed:
      tls_->over();
      return fail_tls(slot, connection, now);
  }
}

// Who shows a certificate is whom it names.
void Connections::identify(SlotId slot, TlsConnection& tls) {
  std::string subject = tls.stage.subject();
  if (subject.empty()) return;
  shard_.identify_by_certificate(slot, std::move(subject));
}

// Opens the records in the wire and hands on what was in them.
void Connections::open_sealed(SlotId slot, Connection& connection, Instant now) {
  TlsStage& stage = connection.tls->stage;
  while (connection.state == State::open) {
    const std::size_t size = stage.read(tls_->plain);
    if (size == 0) break;
    received_plain(slot, connection, MutableBytes(tls_->plain).first(size), now);
  }
  tls_->wire.in = {};
  take_said(slot, connection);
  if (stage.state() == TlsStage::State::failed) return fail_tls(slot, connection, now);
  if (stage.state() == TlsStage::State::closed && !connection.end_of_stream) end_of_stream(slot, connection, now);
}

// What the stage says by itself (handshakes, tickets, alerts) is sent like all else: at the end of the turn.
void Connections::take_said(SlotId slot, Connection& connection) {
  std::vector<std::uint8_t>& said = tls_->wire.said;
  if (said.empty()) return;
  TlsConnection& tls = *connection.tls;
  std::vector<std::uint8_t>& to = connection.waits_for_socket ? tls.later : tls.owed;
  const bool too_much = to.size() + said.size() > kTlsSaidBytesMax;  // it asks, and does not read the answers
  if (!too_much) to.insert(to.end(), said.begin(), said.end());
  said.clear();
  if (too_much) return shard_.peer_lost(slot);
  shard_.sessions().mark_dirty(shard_.sessions().at(slot.index), slot.index);
}

// Nothing can be read or written any more. The alert that says why is still sent, and the session ends.
void Connections::fail_tls(SlotId slot, Connection& connection, Instant now) {
  ++tls_->counters.failed;
  if (connection.tls->stage.state() == TlsStage::State::handshaking) return shard_.peer_lost(slot);
  take_said(slot, connection);
  broker::SessionTable& sessions = shard_.sessions();
  sessions.at(slot.index).outbox.clear(sessions.outboxes());
  sessions.finish(slot, now);
}

// ---- sending ----

void Connections::begin_sealing() {
  tls_->sealed.clear();
  // Spans of it are handed to the backend: it must not grow meanwhile. Once, for the first connection that sends.
  if (tls_->under_way() > 0 || tls_->counters.handshakes > 0) {
    tls_->sealed.reserve(kSendsPerBatch * kTlsSealedBytesMax);
  }
}

void Connections::gather_sealed(SlotId slot, Connection& connection, broker::Session& session) {
  TlsConnection& tls = *connection.tls;
  if (!tls.owed.empty()) {
    batch_.push_back({.fd = connection.fd, .slot = slot, .data = tls.owed});
    return;
  }
  if (session.outbox.empty() || session.phase == broker::Phase::upgrading) return;
  const TlsStage::State state = tls.stage.state();
  if (state == TlsStage::State::handshaking) return;
  if (state == TlsStage::State::failed) return session.outbox.clear(shard_.sessions().outboxes());
  const MutableBytes scratch{scratch_.get() + batch_.size() * kGatherBytes, kGatherBytes};
  const Bytes plain = session.outbox.gather(scratch, kTlsRecordBytes);
  const std::size_t from = tls_->sealed.size();
  if (!tls.stage.write(plain, tls_->sealed)) {
    tls_->sealed.resize(from);
    ++tls_->counters.failed;
    return shard_.peer_lost(slot);
  }
  session.outbox.consume(plain.size(), shard_.sessions().outboxes());
  batch_.push_back({.fd = connection.fd, .slot = slot, .data = Bytes(tls_->sealed).subspan(from)});
}

// The socket took the first `taken` bytes of `data`, which are those owed or else were sealed for this send.
void Connections::sealed_was_sent(TlsConnection& tls, Bytes data, std::size_t taken) {
  const Bytes rest = data.subspan(taken);
  if (tls.owed.empty()) {
    tls.owed.assign(rest.begin(), rest.end());
  } else if (rest.empty()) {
    tls.owed = std::exchange(tls.later, {});
  } else {
    tls.owed.erase(tls.owed.begin(), tls.owed.begin() + static_cast<std::ptrdiff_t>(taken));
  }
}

void Connections::forget_tls(Connection& connection) noexcept {
  if (connection.tls != nullptr && connection.tls->stage.state() == TlsStage::State::handshaking) tls_->over();
}

}  // namespace ringcast::io
