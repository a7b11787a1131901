// The sending of connections: batches of what dirty connections are owed, and what becomes of a full socket.
#include <algorithm>
#include <cassert>
#include <cerrno>

#include "broker/io/connections.h"

namespace ringcast::io {

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
  if (tls_ != nullptr) begin_sealing();
  const auto& dirty = shard_.sessions().dirty();
  for (; dirty_done_ < end && batch_.size() < kSendsPerBatch; ++dirty_done_) {
    const SlotId slot = dirty[dirty_done_];
    broker::Session* session = shard_.sessions().find(slot);
    if (session == nullptr) continue;
    session->dirty = false;
    Connection* connection = find(slot);
    assert(connection != nullptr);
    if (connection->state == State::aborting || connection->waits_for_socket) continue;
    if (connection->tls != nullptr) {
      gather_sealed(slot, *connection, *session);
      continue;
    }
    if (session->outbox.empty()) continue;
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
    Connection& connection = *find(send.slot);
    if (connection.tls != nullptr) {
      sealed_was_sent(*connection.tls, send.data, taken);
    } else {
      session.outbox.consume(taken, sessions.outboxes());
    }
    if (error == -EAGAIN) {
      wait_for_socket(send.slot, connection);
    } else if (error != 0) {
      shard_.peer_lost(send.slot);
    } else if (owes(connection, session)) {
      session.dirty = true;
      dirty_again_.push_back(send.slot);
    } else if (connection.state == State::finishing) {
      fin_if_sent(send.slot, connection, now);
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
  if (connection.tls != nullptr) {
    const Bytes rest = connection.tls->owed;  // a record that was begun must be finished too
    operations_.push_back({.kind = OperationKind::send, .fd = connection.fd, .slot = slot, .data = rest});
  } else if (outbox.frame_begun()) {
    const Bytes rest = outbox.begun_frame(shard_.sessions().outboxes());
    operations_.push_back({.kind = OperationKind::send, .fd = connection.fd, .slot = slot, .data = rest});
  } else {
    operations_.push_back({.kind = OperationKind::poll_out, .fd = connection.fd, .slot = slot});
  }
}

}  // namespace ringcast::io
