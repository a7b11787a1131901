// HttpSession's answers: what all of them carry, and what becomes of the connection after them.
#include "broker/cors.h"
#include "broker/http_session.h"
#include "frame/http_response.h"

namespace ringcast::broker {

void HttpSession::begin_turn(const Now& now) {
  utc_ahead_ms_ = now.utc_us / 1000 - now.monotonic.ms;
}

std::string_view HttpSession::date(Instant now) {
  const std::int64_t utc_s = (now.ms + utc_ahead_ms_) / 1000;
  if (utc_s != date_s_) {
    date_ = frame::http_date(utc_s);
    date_s_ = utc_s;
  }
  return date_.text();
}

frame::ResponseBuilder HttpSession::begin_head(const Session& session, std::uint16_t status, Instant now) {
  frame::ResponseBuilder builder(status);
  builder.field("Date", date(now));
  append_cors(builder, session.http->granted_origin);
  return builder;
}

frame::ResponseBuilder HttpSession::begin_response(Session& session, std::uint16_t status, Instant now) {
  HttpExchange& http = *session.http;
  if (http.body_unread) http.keep_alive = false;  // its body would be taken for the next request
  frame::ResponseBuilder builder = begin_head(session, status, now);
  if (!http.keep_alive) {
    builder.field("Connection", "close");
  } else if (http.must_say_keep_alive) {
    builder.field("Connection", "keep-alive");
  }
  return builder;
}

HttpSession::Next HttpSession::answer(SlotId slot, Session& session, std::string_view response, Instant now) {
  const bool keep_alive = session.http->keep_alive;
  sessions_.send_own(slot, response);
  if (!keep_alive) {
    sessions_.finish(slot, now);
    return Next::wait;
  }
  session.http = sessions_.new_exchange();
  sessions_.set_deadline(slot.index, now + config_.http_idle_timeout_ms);
  sessions_.resume(slot);
  return Next::go_on;
}

HttpSession::Next HttpSession::answer_with(SlotId slot, Session& session, frame::ResponseBuilder&& builder,
                                           std::string_view content_type, std::string_view body, Instant now) {
  const bool head_only = session.http->head_only;
  return answer(slot, session,
                head_only ? builder.head_only(content_type, body.size()) : builder.body(content_type, body), now);
}

HttpSession::Next HttpSession::answer_refusal(SlotId slot, Session& session, const HttpRefusal& refusal, Instant now) {
  ++counters_.refused;
  frame::ResponseBuilder builder = begin_response(session, refusal.status, now);
  if (!refusal.field.name.empty()) builder.field(refusal.field.name, refusal.field.value);
  if (refusal.status == 503) builder.field("Retry-After", "1");
  if (refusal.retry_after_s > 0) builder.field("Retry-After", std::to_string(refusal.retry_after_s));
  if (session.http->by_accept) builder.field("Vary", "Accept");
  builder.field("Cache-Control", "no-store");  // else a cache may keep a 404 as it likes (RFC 9111 §4.2.2)
  const std::string body = frame::error_body(refusal.status, refusal.name, refusal.message);
  return answer_with(slot, session, std::move(builder), "application/json", body, now);
}

HttpSession::Next HttpSession::answer_error(SlotId slot, Session& session, frame::HttpError error, Instant now) {
  ++counters_.refused;
  session.http->keep_alive = false;
  std::string response = frame::error_response(error, begin_head(session, frame::http_status(error), now));
  if (session.http->head_only) response.resize(response.find("\r\n\r\n") + 4);
  return answer(slot, session, response, now);
}

void HttpSession::refuse(SlotId slot, std::uint16_t status, std::string_view name, std::string_view message,
                         Instant now) {
  Session& session = sessions_.at(slot.index);
  session.http->keep_alive = false;
  answer_refusal(slot, session, {status, name, std::string(message)}, now);
}

void HttpSession::refuse(SlotId slot, const OverLimit& over, Instant now) {
  Session& session = sessions_.at(slot.index);
  session.http->keep_alive = false;
  answer_refusal(slot, session, limit_refusal(over), now);
}

HttpRefusal HttpSession::limit_refusal(const OverLimit& over) {
  return {.status = 429, .name = over.name, .message = std::string(over.text), .retry_after_s = over.wait_s()};
}

}  // namespace ringcast::broker
