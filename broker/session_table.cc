#include "broker/session_table.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "frame/close.h"
#include "proto/close_code.h"

namespace ringcast::broker {

namespace {

constexpr std::size_t kOtherCode = kCloseCodes;
constexpr std::size_t kNoCode = kCloseCodes + 1;

// A cell of SessionTable::closes().
std::size_t cell_of_code(std::uint16_t code) {
  const auto codes = proto::close_codes();
  assert(codes.size() == kCloseCodes);
  const auto found = std::ranges::find(codes, code, [](const auto& entry) { return std::to_underlying(entry.code); });
  if (found != codes.end()) return static_cast<std::size_t>(found - codes.begin());
  return code == 0 || code == 1005 ? kNoCode : kOtherCode;  // RFC 6455 §7.4.1: 1005 stands for none
}

}  // namespace

SessionTable::SessionTable(const Config& config) : config_(config), outbox_max_bytes_(config.outbox_max_bytes) {}

SlotId SessionTable::open(Instant now) {
  if (sessions_.end() == 0) wheel_.start(now);
  const std::uint32_t index = sessions_.take();
  Session& session = sessions_[index];
  assert(session.phase == Phase::free);
  assert(session.outbox.empty());
  session.phase = Phase::http;
  ++kinds_[static_cast<std::size_t>(ConnectionKind::http)];
  session.http = new_exchange();
  set_deadline(index, now + config_.handshake_timeout_ms);
  return {index, session.generation};
}

void SessionTable::release(SlotId slot) {
  Session* session = find(slot);
  assert(session != nullptr);
  assert(session->phase == Phase::ended);
  assert(session->subscriptions.empty());
  assert(session->held == nullptr);
  session->outbox.clear(outboxes_);
  if (session->waiting != nullptr) session->waiting->outbox.clear(outboxes_);
  set_encoding(*session, Encoding{});
  --kinds_[static_cast<std::size_t>(session->kind)];
  const std::uint32_t next_generation = session->generation + 1;
  std::destroy_at(session);
  std::construct_at(session);
  session->generation = next_generation;
  sessions_.give_back(slot.index);
}

void SessionTable::enter(Session& session, Phase phase) noexcept {
  session.phase = phase;
  --kinds_[static_cast<std::size_t>(session.kind)];
  session.kind = kind_of(protocol_of(session.encoding));
  ++kinds_[static_cast<std::size_t>(session.kind)];
}

void SessionTable::set_encoding(Session& session, Encoding encoding) noexcept {
  const Compression before = compression_of(session.encoding);
  const Compression now = compression_of(encoding);
  session.encoding = encoding;
  if (before == now) return;
  if (now != Compression::none) {
    ++users_[static_cast<std::size_t>(now)];
    compressions_ |= compression_bit(now);
  }
  if (before != Compression::none && --users_[static_cast<std::size_t>(before)] == 0) {
    compressions_ &= ~compression_bit(before);
  }
}

Session* SessionTable::find(SlotId slot) noexcept {
  if (slot.index >= sessions_.end()) return nullptr;
  Session& session = sessions_[slot.index];
  return session.generation == slot.generation && session.phase != Phase::free ? &session : nullptr;
}

void SessionTable::forget_runs() {
  for (std::uint32_t i = 0; i < sessions_.end(); ++i) sessions_[i].run = 0;
}

void SessionTable::hold(Session& session) {
  if (session.waiting == nullptr) session.waiting = std::make_unique<WaitingMessages>();
  ++session.waiting->holds;
}

void SessionTable::hold_origin(Session& session, std::uint32_t origin) noexcept {
  assert(session.waiting != nullptr);
  session.waiting->origins |= topics::only(origin);
  session.messages_wait = true;
}

void SessionTable::end_hold(Session& session, std::uint32_t index) {
  assert(session.waiting->holds > 0);
  if (--session.waiting->holds > 0) return;
  session.messages_wait = false;
  const std::unique_ptr<WaitingMessages> waiting = std::move(session.waiting);
  if (waiting->outbox.empty()) return;
  if (session.phase >= Phase::closing) return waiting->outbox.clear(outboxes_);  // nothing goes behind a close frame
  session.outbox.append_all(waiting->outbox, outboxes_);
  touched(session, index);
}

void SessionTable::send_own(SlotId slot, const Span& span) {
  Session* session = find(slot);
  if (session == nullptr || session->phase >= Phase::closing) return;
  session->outbox.append(span, outboxes_);
  touched(*session, slot.index);
}

void SessionTable::send_own(SlotId slot, Bytes bytes) {
  send_own(slot, own_.append(bytes));
}

void SessionTable::send_own(SlotId slot, std::string_view bytes) {
  send_own(slot, Bytes{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

void SessionTable::send_urgent(SlotId slot, Bytes bytes) {
  send_urgent(slot, own_.append(bytes));
}

void SessionTable::send_urgent(SlotId slot, const Span& span) {
  Session* session = find(slot);
  if (session == nullptr || session->phase >= Phase::closing) return;
  session->outbox.append_urgent(span, outboxes_);
  touched(*session, slot.index);
}

void SessionTable::send_before_messages(SlotId slot, const Span& span) {
  Session* session = find(slot);
  if (session == nullptr || session->phase >= Phase::closing) return;
  session->outbox.append_before_messages(span, outboxes_);
  touched(*session, slot.index);
}

void SessionTable::send_pong(SlotId slot, Session& session, Bytes frame) {
  if (!session.send_blocked) return send_urgent(slot, frame);
  if (session.pong == nullptr) session.pong = std::make_unique<std::vector<std::uint8_t>>();
  session.pong->assign(frame.begin(), frame.end());
}

void SessionTable::blocked(SlotId slot) {
  Session* session = find(slot);
  assert(session != nullptr);
  session->send_blocked = true;
  if (session->in_blocked) return;
  constexpr std::size_t kStaleMin = 64;  // entries: fewer are not worth a look
  if (blocked_.size() >= kStaleMin && blocked_.size() > 2 * live()) forget_unblocked();
  session->in_blocked = true;
  blocked_.push_back(slot);
}

void SessionTable::forget_unblocked() {
  std::erase_if(blocked_, [&](SlotId slot) {
    Session* session = find(slot);
    if (session == nullptr) return true;
    session->in_blocked = session->send_blocked;
    return !session->send_blocked;
  });
}

void SessionTable::unblocked(SlotId slot) {
  Session* session = find(slot);
  assert(session != nullptr);
  session->send_blocked = false;
  if (const auto pong = std::move(session->pong)) send_urgent(slot, *pong);
  if (!session->outbox.empty()) mark_dirty(*session, slot.index);
}

void SessionTable::unpin(std::span<Segment* const> current) {
  forget_unblocked();
  for (const SlotId slot : blocked_) {
    Session& session = sessions_[slot.index];
    session.outbox.unpin(current, outboxes_);
    if (session.messages_wait) session.waiting->outbox.unpin(current, outboxes_);
  }
}

std::unique_ptr<HttpExchange> SessionTable::new_exchange() const {
  return std::make_unique<HttpExchange>(
      frame::RequestLimits{.head_size_max = static_cast<std::uint32_t>(config_.http_head_max_bytes)});
}

void SessionTable::close_websocket(SlotId slot, std::uint16_t code, std::string_view reason, Instant now, Owed owed) {
  Session* session = find(slot);
  if (session == nullptr || session->phase >= Phase::closing) return;
  std::array<std::uint8_t, frame::kCloseFrameSizeMax> close{};
  ++closes_[cell_of_code(code)];
  journal_.close(slot, session->kind, code, reason);
  const std::size_t size = frame::encode_close_frame({.code = code, .reason = reason}, close);
  // Live messages that wait for older ones do not go without them: the client will take up where it was, by its seqs.
  // So it is with those behind others that were dropped, which it was not told of.
  const bool untold = session->full != nullptr && session->full->lag != nullptr && session->full->lag->to_tell();
  if (owed == Owed::drop) {
    session->outbox.truncate(outboxes_);
  } else if (untold) {
    for (const Span& span : session->outbox.drop_messages({}, outboxes_)) segments_.release(span.segment);
  }
  session->outbox.append(own_.append(Bytes{close}.first(size)), outboxes_);
  mark_dirty(*session, slot.index);
  finish(slot, now);
}

void SessionTable::finish(SlotId slot, Instant now) {
  Session* session = find(slot);
  if (session == nullptr || session->phase >= Phase::closing) return;
  session->phase = Phase::closing;
  session->stopped = false;
  // The time to take what is still owed; after our FIN, linger_close_ms counts (Shard::fin_sent).
  set_deadline(slot.index, now + config_.drain_deadline_ms);
  doomed_.push_back({slot, Doomed::How::finish});
}

void SessionTable::abort(SlotId slot) {
  Session* session = find(slot);
  if (session == nullptr || session->phase == Phase::ended) return;
  if (session->phase == Phase::websocket) ++closes_[kNoCode];
  session->phase = Phase::ended;
  session->stopped = false;
  session->deadline = Instant::never();
  doomed_.push_back({slot, Doomed::How::abort});
}

void SessionTable::resume(SlotId slot) {
  Session* session = find(slot);
  if (session == nullptr || !session->stopped) return;
  session->stopped = false;
  resumed_.push_back(slot);
}

void SessionTable::set_deadline(std::uint32_t index, Instant at) {
  Session& session = sessions_[index];
  session.deadline = at;
  // When the entry that is there comes up too early, it goes in again; only an earlier deadline needs a new entry.
  if (at < session.comes_up) session.comes_up = wheel_.schedule({index, session.generation}, at);
}

bool SessionTable::is_due(SlotId slot, Instant now) {
  Session* session = find(slot);
  if (session == nullptr || session->comes_up > now) return false;  // gone, or a stale entry
  session->comes_up = Instant::never();
  if (session->deadline <= now) return true;
  if (session->deadline != Instant::never()) set_deadline(slot.index, session->deadline);
  return false;
}

}  // namespace ringcast::broker
