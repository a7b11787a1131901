// HttpSession's requests: what each of them asks for, once its head has been read.
#include <algorithm>
#include <cassert>

#include "broker/body_format.h"
#include "broker/etag.h"
#include "broker/http_session.h"
#include "broker/idempotency_header.h"
#include "broker/origin.h"
#include "frame/http_response.h"
#include "proto/publish_rules.h"

namespace ringcast::broker {

namespace {

constexpr std::size_t kContentTypeBytesMax = 255;  // kept beside every value: longer ones are nobody's honest wish

}  // namespace

HttpSession::Next HttpSession::handle(SlotId slot, Session& session, Instant now) {
  const frame::Request& request = session.http->parser.request();
  session.http->keep_alive = request.keep_alive && !sessions_.draining();
  session.http->head_only = request.method == "HEAD";
  session.http->body_unread = request.framing.kind != frame::Framing::Kind::none;
  if (auto refusal =
          check_origin(request, config_, session.reached_by_loopback ? ReachedBy::loopback : ReachedBy::other)) {
    return answer_refusal(slot, session, *refusal, now);
  }
  std::string_view path = request.parts.path;
  if (!path.starts_with(config_.base_path)) {
    return answer_refusal(slot, session, {404, "not_found", "this broker serves " + config_.base_path + "/"}, now);
  }
  path.remove_prefix(config_.base_path.size());
  if (path == kWebSocketPath) return handle_web_socket(slot, session, now);
  if (path.starts_with(kTopicsPath)) return handle_topic(slot, session, path, now);
  return handle_file(slot, session, path, now);
}

HttpSession::Next HttpSession::handle_topic(SlotId slot, Session& session, std::string_view path, Instant now) {
  const frame::Request& request = session.http->parser.request();
  auto topic = read_topic_request(path, request.parts.query);
  if (!topic) return answer_refusal(slot, session, topic.error(), now);
  if (sessions_.draining()) {
    return answer_refusal(slot, session, {503, "draining", "the broker restarts; try again"}, now);
  }
  if (frame::wants_websocket(request)) return upgrade_topic(slot, session, *topic, now);
  const std::string_view method = request.method;
  if (method == "POST" || method == "DELETE") return begin_body(slot, session, std::move(*topic), now);
  if (method == "GET" || method == "HEAD") return get(slot, session, std::move(*topic), now);
  const std::string body = frame::error_body(405, "method_not_allowed", "a topic takes GET, HEAD, POST and DELETE");
  return answer(slot, session, frame::ResponseBuilder(405).field("Allow", "GET, HEAD, POST, DELETE").json(body), now);
}

HttpSession::Next HttpSession::handle_file(SlotId slot, Session& session, std::string_view path, Instant now) {
  const frame::Request& request = session.http->parser.request();
  const StaticFile* file = find_file_ == nullptr ? nullptr : find_file_(path.empty() ? "/" : path);
  if (file == nullptr) {
    return answer_refusal(slot, session,
                          {404, "not_found", "there are /, /ws, /topics/<topic> and the dashboard's files"}, now);
  }
  if (request.method != "GET" && request.method != "HEAD") {
    const std::string body = frame::error_body(405, "method_not_allowed", "a file takes GET and HEAD");
    return answer(slot, session, frame::ResponseBuilder(405).field("Allow", "GET, HEAD").json(body), now);
  }
  frame::ResponseBuilder builder(200);
  const auto if_none_match = request.fields.get("If-None-Match");
  if (if_none_match && matches_etag(*if_none_match, file->etag)) {
    return answer(slot, session, frame::ResponseBuilder(304).field("ETag", file->etag).no_body(), now);
  }
  builder.field("ETag", file->etag).field("Cache-Control", "no-cache").field("X-Content-Type-Options", "nosniff");
  builder.field("Content-Security-Policy", "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'");
  if (session.http->head_only) {
    return answer(slot, session, builder.head_only(file->content_type, file->bytes.size()), now);
  }
  const std::string_view body{reinterpret_cast<const char*>(file->bytes.data()), file->bytes.size()};
  return answer(slot, session, builder.body(file->content_type, body), now);
}

std::optional<HttpRefusal> HttpSession::take_idempotency_key(Session& session) const {
  const frame::Request& request = session.http->parser.request();
  const auto value = request.fields.get("Idempotency-Key");
  if (!value) return std::nullopt;
  if (request.fields.count("Idempotency-Key") > 1) {
    return HttpRefusal{400, "bad_idempotency_key", "Idempotency-Key comes once"};
  }
  const auto key = read_idempotency_key(*value);
  if (!key) return key.error();
  const KeyScope scope{.method = request.method, .topic = session.http->topic, .subject = session.identity->subject};
  session.http->idempotency = hash_idempotency_key(hash_key_, scope, *key);
  return std::nullopt;
}

HttpSession::Next HttpSession::begin_body(SlotId slot, Session& session, TopicRequest topic, Instant now) {
  const frame::Request& request = session.http->parser.request();
  HttpExchange& http = *session.http;
  if (topic.wildcard) {
    return answer_refusal(slot, session,
                          {400, "wildcard_in_topic", "a message is published to a topic, not to a filter"}, now);
  }
  if (!session.identity->may_publish(topic.filter)) {
    return answer_refusal(slot, session, {403, "forbidden", "topics that begin with $ are the broker's own"}, now);
  }
  const std::string_view type = request.fields.get("Content-Type").value_or("");
  if (type.size() > kContentTypeBytesMax) {
    return answer_refusal(slot, session, {400, "content_type_too_long", "Content-Type has at most 255 bytes"}, now);
  }
  if (!proto::is_content_type(type)) {
    return answer_refusal(slot, session, {400, "bad_content_type", "Content-Type has only printable ASCII"}, now);
  }
  http.removes = request.method == "DELETE";
  http.topic = std::move(topic.filter);
  http.content_type = type;
  if (auto refusal = take_idempotency_key(session)) return answer_refusal(slot, session, *refusal, now);
  http.body_reader.emplace(request.framing, config_.max_message_bytes);
  http.state = HttpExchange::State::body;
  // Who asks first is told of a body that is too large before it sends it (RFC 9110 §10.1.1).
  if (request.expect_continue && request.framing.length <= config_.max_message_bytes)
    sessions_.send_own(slot, std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
  sessions_.set_deadline(slot.index, now + config_.handshake_timeout_ms);
  return Next::go_on;
}

HttpSession::Next HttpSession::publish(SlotId slot, Session& session, Instant now) {
  HttpExchange& http = *session.http;
  const Bytes body{reinterpret_cast<const std::uint8_t*>(http.body.data()), http.body.size()};
  if (http.removes && !http.body.empty()) {
    return answer_refusal(slot, session, {400, "body_not_empty", "DELETE has no body: the topic's value goes away"},
                          now);
  }
  const auto format = http.removes ? topics::Format::binary : body_format(http.content_type, body);
  if (!format) return answer_refusal(slot, session, format.error(), now);
  http.state = HttpExchange::State::answering;
  http.ticket = sessions_.take_ticket();
  const Instant deadline = now + config_.post_hold_ms;
  sessions_.set_deadline(slot.index, deadline);
  Repeat repeat;
  if (http.idempotency) {
    http.idempotency->body = hash_body(hash_key_, http.content_type, http.body);
    repeat = *http.idempotency;
  }
  const Publish message{.topic = http.topic, .format = *format, .payload = body};
  (void)publishing_.publish(slot, message,
                            {.op = http.removes ? topics::Op::remove : topics::Op::set,
                             .content_type = is_untyped(http.content_type) ? std::string_view{} : http.content_type,
                             .repeat = repeat,
                             .wants_ack = true,
                             .ticket = http.ticket,
                             .deadline = deadline});
  return Next::wait;
}

HttpSession::Next HttpSession::get(SlotId slot, Session& session, TopicRequest topic, Instant now) {
  const frame::Request& request = session.http->parser.request();
  HttpExchange& http = *session.http;
  if (topic.wildcard) {
    return answer_refusal(
        slot, session, {400, "wildcard_in_topic", "one topic has one last value; subscribe to a filter instead"}, now);
  }
  if (!session.identity->may_subscribe(topic.filter)) {
    return answer_refusal(slot, session, {403, "forbidden", "not permitted on this topic"}, now);
  }
  http.if_none_match = request.fields.get("If-None-Match").value_or("");
  http.topic = std::move(topic.filter);
  http.state = HttpExchange::State::answering;
  http.ticket = sessions_.take_ticket();
  sessions_.set_deadline(slot.index, now + config_.post_hold_ms);
  subscribing_.fetch(slot, http.topic, http.ticket);
  return Next::wait;
}

}  // namespace ringcast::broker
