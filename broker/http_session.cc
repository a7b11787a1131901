#include "broker/http_session.h"

#include <cassert>

#include "broker/body_format.h"
#include "broker/etag.h"
#include "broker/producer_id.h"
#include "frame/http_response.h"

namespace ringcast::broker {

namespace {

// A body that keeps coming keeps its connection: this much within a handshake timeout.
constexpr std::size_t kBodyProgressBytes = 64 * 1024;

}  // namespace

HttpSession::HttpSession(const Config& config, topics::HashKey hash_key, std::uint64_t epoch, FindFile find_file,
                         SessionTable& sessions, Publishing& publishing, Subscribing& subscribing,
                         Authenticator& authenticator, Limits& limits)
    : config_(config),
      hash_key_(hash_key),
      epoch_number_(epoch),
      epoch_(hexadecimal(epoch)),
      find_file_(find_file),
      sessions_(sessions),
      publishing_(publishing),
      subscribing_(subscribing),
      authenticator_(authenticator),
      limits_(limits) {}

std::size_t HttpSession::received(SlotId slot, MutableBytes in, Instant now) {
  Session& session = sessions_.at(slot.index);
  std::size_t consumed = 0;
  while (session.phase == Phase::http && !session.stopped) {
    assert(session.http != nullptr);
    const Bytes rest = in.subspan(consumed);
    const bool in_head = session.http->state == HttpExchange::State::head;
    const Next next =
        in_head ? read_head(slot, session, rest, consumed, now) : read_body(slot, session, rest, consumed, now);
    if (next == Next::more_bytes) break;
    if (next == Next::wait) sessions_.stop(session);
  }
  // What follows a request that ends the connection is thrown away.
  return session.phase >= Phase::closing ? in.size() : consumed;
}

HttpSession::Next HttpSession::read_head(SlotId slot, Session& session, Bytes in, std::size_t& consumed, Instant now) {
  frame::RequestParser& parser = session.http->parser;
  if (!in.empty() && !parser.in_progress()) sessions_.set_deadline(slot.index, now + config_.handshake_timeout_ms);
  const frame::RequestParser::Step step = parser.next(in);
  consumed += step.consumed;
  switch (step.kind) {
    case frame::RequestParser::Step::Kind::need_more:
      return Next::more_bytes;
    case frame::RequestParser::Step::Kind::failed:
      return answer_error(slot, session, step.error, now);
    case frame::RequestParser::Step::Kind::done:
      ++counters_.requests;
      return handle(slot, session, now);
  }
  return Next::more_bytes;
}

HttpSession::Next HttpSession::read_body(SlotId slot, Session& session, Bytes in, std::size_t& consumed, Instant now) {
  HttpExchange& http = *session.http;
  assert(http.body_reader.has_value());
  const frame::BodyReader::Step step = http.body_reader->next(in);
  consumed += step.consumed;
  switch (step.kind) {
    case frame::BodyReader::Step::Kind::need_more:
      return Next::more_bytes;
    case frame::BodyReader::Step::Kind::data: {
      const std::size_t before = http.body.size();
      http.body.append(reinterpret_cast<const char*>(step.data.data()), step.data.size());
      if (before / kBodyProgressBytes != http.body.size() / kBodyProgressBytes) {
        sessions_.set_deadline(slot.index, now + config_.handshake_timeout_ms);
      }
      return Next::go_on;
    }
    case frame::BodyReader::Step::Kind::done:
      http.body_unread = false;
      return body_came(slot, session, now);
    case frame::BodyReader::Step::Kind::failed:
      return answer_error(slot, session, step.error, now);
  }
  return Next::more_bytes;
}

void HttpSession::fetched(SlotId slot, std::uint32_t ticket, const topics::Message& message, Instant now) {
  Session& session = sessions_.at(slot.index);
  HttpExchange& http = *session.http;
  if (http.state != HttpExchange::State::answering || http.ticket != ticket) return;
  const std::string tag = etag(epoch_, message.seq);
  if (!http.if_match.empty() && !matches_etag(http.if_match, tag, Comparison::strong)) {
    answer_refusal(slot, session, {412, "precondition_failed", "the last value is not the one that If-Match names"},
                   now);
    return;
  }
  if (!http.if_none_match.empty() && matches_etag(http.if_none_match, tag)) {
    answer(slot, session,
           begin_response(session, 304, now)
               .field("ETag", tag)
               .field("Cache-Control", "no-cache")
               .field("Vary", "Accept")
               .no_body(),
           now);
    return;
  }
  std::string_view type = message.content_type();
  if (type.empty()) type = default_content_type(message.format);
  frame::ResponseBuilder builder = begin_response(session, 200, now);
  builder.field("ETag", tag)
      .field("Vary", "Accept")
      .field("Cache-Control", "no-cache")
      .field("X-Content-Type-Options", "nosniff");
  const Bytes payload = message.payload();
  const std::string_view body{reinterpret_cast<const char*>(payload.data()), payload.size()};
  answer_with(slot, session, std::move(builder), type, body, now);
}

void HttpSession::fetched_all(SlotId slot, std::uint32_t ticket, Instant now) {
  Session& session = sessions_.at(slot.index);
  if (session.http->state != HttpExchange::State::answering || session.http->ticket != ticket)
    return;  // it was answered
  answer_refusal(slot, session, {404, "no_value", "this topic has no last value"}, now);
}

void HttpSession::refuse_upgrade(SlotId slot, Instant now) {
  Session& session = sessions_.at(slot.index);
  // A 503 would be taken for the answer to an earlier request, or cut one short that is being sent; and at one a
  // browser's EventSource would give up.
  if (session.http->behind_answers || is_event_stream(protocol_of(session.encoding))) return sessions_.abort(slot);
  session.phase = Phase::http;
  session.outbox.clear(sessions_.outboxes());  // the 101, of which nothing has left
  refuse(slot, 503, "busy", "the subscription could not be set up in time; try again", now);
}

void HttpSession::peer_finished(SlotId slot, Instant now) {
  Session& session = sessions_.at(slot.index);
  if (session.http->state == HttpExchange::State::answering || session.http->state == HttpExchange::State::checking) {
    session.http->keep_alive = false;
    return;
  }
  sessions_.finish(slot, now);
}

void HttpSession::due(SlotId slot, Instant now) {
  Session& session = sessions_.at(slot.index);
  HttpExchange& http = *session.http;
  switch (http.state) {
    case HttpExchange::State::head:
      if (!http.parser.in_progress()) return sessions_.finish(slot, now);  // idle: nothing to answer
      return refuse(slot, 408, "request_timeout", "the request's head did not come in time", now);
    case HttpExchange::State::body:
      return refuse(slot, 408, "request_timeout", "the request's body did not come in time", now);
    case HttpExchange::State::answering:
      return publish_too_late(slot, session, now);
    case HttpExchange::State::checking:
      return refuse(slot, 503, "busy", "more tokens wait to be checked than there is time for; try again", now);
  }
}

}  // namespace ringcast::broker
