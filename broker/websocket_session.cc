#include "broker/websocket_session.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "frame/close.h"
#include "frame/error.h"
#include "frame/header.h"
#include "proto/close_code.h"
#include "topics/name.h"

namespace ringcast::broker {

namespace {

using ControlFrame = std::array<std::uint8_t, 2 + frame::kControlPayloadSizeMax>;

// A whole control frame of a server, at the front of `out`; its size in bytes.
std::size_t write_control(frame::Opcode opcode, Bytes payload, ControlFrame& out) {
  std::array<std::uint8_t, frame::kHeaderSizeMax> head{};
  const std::size_t head_size = frame::encode_header({.opcode = opcode, .payload_size = payload.size()}, head);
  assert(head_size + payload.size() <= out.size());
  std::ranges::copy(Bytes{head}.first(head_size), out.begin());
  std::ranges::copy(payload, out.begin() + static_cast<std::ptrdiff_t>(head_size));
  return head_size + payload.size();
}

}  // namespace

WebSocketSession::WebSocketSession(const Config& config, SessionTable& sessions, Publishing& publishing,
                                   FullSession& full, const topics::Subscriptions& subscriptions, Limits& limits)
    : config_(config),
      sessions_(sessions),
      publishing_(publishing),
      full_(full),
      subscriptions_(subscriptions),
      limits_(limits) {}

void WebSocketSession::opened(SlotId slot, Instant now) {
  Session& session = sessions_.at(slot.index);
  sessions_.enter(session, Phase::websocket);
  session.http.reset();
  session.parser = frame::Parser({.role = frame::Role::server,
                                  .message_size_max = config_.max_message_bytes,
                                  .compression = compression_of(session.encoding) != Compression::none});
  sessions_.set_deadline(slot.index, now + config_.ping_interval_ms);
}

std::size_t WebSocketSession::received(SlotId slot, MutableBytes in, Instant now) {
  Session& session = sessions_.at(slot.index);
  session.ping_sent = false;  // whatever it is, the peer lives: it is pinged when it has been silent again for so long
  sessions_.set_deadline(slot.index, now + config_.ping_interval_ms);
  std::size_t consumed = 0;
  while (consumed < in.size() && session.phase == Phase::websocket && !session.stopped) {
    session.parser.limit(config_.max_message_bytes);  // a reload may have changed it
    const frame::Step step = session.parser.next(in.subspan(consumed), &inflater_);
    consumed += step.consumed;
    handle(slot, session, step.event, now);
  }
  // A large message's buffer is given back now, not when the next byte comes.
  if (session.phase == Phase::websocket && !session.stopped) (void)session.parser.next({}, &inflater_);
  inflater_.forget();                             // also when the session ended or stopped with a large message
  return session.stopped ? consumed : in.size();  // a session that ends ignores what is left
}

void WebSocketSession::keep_for(std::uint32_t compressions) noexcept {
  if (compressions == compression_bit(Compression::none)) inflater_ = frame::Inflater(kInflate);
}

void WebSocketSession::handle(SlotId slot, Session& session, const frame::Event& event, Instant now) {
  switch (event.kind) {
    case frame::Event::Kind::need_more:
    case frame::Event::Kind::pong:
      return;
    case frame::Event::Kind::text:
    case frame::Event::Kind::binary:
      return message(slot, session, event, now);
    case frame::Event::Kind::ping:
      return pong(slot, session, event.payload);
    case frame::Event::Kind::close:
      // RFC 6455 §5.5.1: the answer carries the code that came; none for none.
      return end(slot, session, event.code, frame::Error::truncated, now);
    case frame::Event::Kind::failed:
      return end(slot, session, frame::close_status(event.error), event.error, now);
  }
}

// Who publishes and closes, or breaks a rule, in one breath hears itself first; and whose close was answered by its own
// code knows that all it sent was published.
void WebSocketSession::end(SlotId slot, Session& session, std::uint16_t code, frame::Error error, Instant now) {
  session.close_code = code;
  session.close_error = error;
  if (session.has_published) return publishing_.catch_up(slot, topic_of(session));
  close(slot, session, now);
}

void WebSocketSession::caught_up(SlotId slot, Instant now) {
  const Session* session = sessions_.find(slot);
  if (session != nullptr && session->phase == Phase::websocket) close(slot, *session, now);
}

void WebSocketSession::close(SlotId slot, const Session& session, Instant now) {
  assert(is_closing(session));
  const bool failed = session.close_error != frame::Error::truncated;
  // Who takes nothing at the moment is not made to take all of it first.
  const auto owed = session.send_blocked ? SessionTable::Owed::drop : SessionTable::Owed::send;
  sessions_.close_websocket(slot, session.close_code, failed ? frame::text(session.close_error) : "", now, owed);
}

std::string_view WebSocketSession::topic_of(const Session& session) const {
  return session.topic != nullptr ? std::string_view{*session.topic}
                                  : subscriptions_.filter(session.subscriptions.front().place);
}

void WebSocketSession::message(SlotId slot, Session& session, const frame::Event& event, Instant now) {
  ++counters_.received;
  if (protocol_of(session.encoding) == Protocol::raw) return publish_raw(slot, session, event, now);
  const FrameKind kind = event.kind == frame::Event::Kind::text ? FrameKind::text : FrameKind::binary;
  if (kind != full_.codec(session.encoding).frame_kind()) {
    return sessions_.close_websocket(
        slot, std::to_underlying(proto::CloseCode::unsupported_data),
        kind == FrameKind::text ? "ringcast.v1.proto takes binary messages" : "ringcast.v1.json takes text messages",
        now);
  }
  full_.request(slot, session, event.payload, now);
}

void WebSocketSession::publish_raw(SlotId slot, Session& session, const frame::Event& event, Instant now) {
  const std::string_view topic = topic_of(session);
  if (!session.may_send) {
    return sessions_.close_websocket(slot, std::to_underlying(proto::CloseCode::policy_violation),
                                     "this URL is a filter with wildcards: it can only subscribe", now);
  }
  if (!session.identity->may_publish(topic)) {
    // Below `$` nobody may; elsewhere another token might.
    const auto code = topics::is_reserved(topic) ? proto::CloseCode::policy_violation : proto::CloseCode::forbidden;
    return sessions_.close_websocket(slot, std::to_underlying(code), "not permitted to publish to this topic", now);
  }
  if (sessions_.draining()) {
    // Read no further, and told so when its turn to go has come: it still hears what was published before.
    session.publish_refused = true;
    return sessions_.stop(session);
  }
  const Publish publish{
      .topic = topic,
      .format = event.kind == frame::Event::Kind::text ? topics::Format::text : topics::Format::binary,
      .payload = event.payload};
  session.has_published = true;
  if (publishing_.publish(slot, publish, {}) == Publishing::Result::held) sessions_.stop(session);
  limits_.charge(slot, session, 1, event.payload.size(), now);
  limits_.throttle(slot, session, now);
}

void WebSocketSession::pong(SlotId slot, Session& session, Bytes payload) {
  ControlFrame pong{};
  const std::size_t size = write_control(frame::Opcode::pong, payload, pong);
  sessions_.send_pong(slot, session, Bytes{pong}.first(size));
}

void WebSocketSession::due(SlotId slot, Instant now) {
  Session& session = sessions_.at(slot.index);
  if (session.stopped) {
    // Its bytes wait with us: that it says nothing is our doing.
    session.ping_sent = false;
    return sessions_.set_deadline(slot.index, now + config_.ping_interval_ms);
  }
  if (session.ping_sent) {
    ++counters_.peers_lost;
    sessions_.journal().note({.kind = Journal::Kind::lost, .slot = slot, .protocol = session.kind});
    return sessions_.abort(slot);
  }
  session.ping_sent = true;
  session.parser.trim();  // a client that was busy once and is silent now keeps no buffer
  ++counters_.pings_sent;
  ControlFrame ping{};
  const std::size_t size = write_control(frame::Opcode::ping, {}, ping);
  sessions_.send_urgent(slot, Bytes{ping}.first(size));
  sessions_.set_deadline(slot.index, now + config_.pong_timeout_ms);
}

}  // namespace ringcast::broker
