// HttpSession's requests: what each of them asks for, once its head has been read.
#include <algorithm>
#include <cassert>

#include "broker/accept.h"
#include "broker/cors.h"
#include "broker/http_resource.h"
#include "broker/http_session.h"
#include "broker/origin.h"

namespace ringcast::broker {

namespace {

bool has_body(const frame::Framing& framing) noexcept {
  return framing.kind != frame::Framing::Kind::none &&
         (framing.kind != frame::Framing::Kind::length || framing.length > 0);
}

}  // namespace

HttpSession::Next HttpSession::handle(SlotId slot, Session& session, Instant now) {
  HttpExchange& http = *session.http;
  const frame::Request& request = http.parser.request();
  const Method method = read_method(request.method);
  http.keep_alive = request.keep_alive && !sessions_.draining();
  http.must_say_keep_alive = request.version_minor == 0;
  http.head_only = method == Method::head;
  http.body_unread = has_body(request.framing);
  if (auto refusal =
          check_origin(request, config_, session.reached_by_loopback ? ReachedBy::loopback : ReachedBy::other)) {
    return answer_refusal(slot, session, *refusal, now);
  }
  http.granted_origin = granted_origin(request, config_);
  if (method == Method::unknown) {
    return answer_refusal(
        slot, session,
        {501, "method_not_implemented", "no such method here; there are GET, HEAD, POST, DELETE and OPTIONS"}, now);
  }
  std::string_view path = request.target == "*" ? "*" : request.parts.path;
  if (path != "*") {
    if (!path.starts_with(config_.base_path)) {
      return answer_refusal(slot, session, {404, "not_found", "this broker serves " + config_.base_path + "/"}, now);
    }
    path.remove_prefix(config_.base_path.size());
  }
  return handle(slot, session, method, path, now);
}

HttpSession::Next HttpSession::handle(SlotId slot, Session& session, Method method, std::string_view path,
                                      Instant now) {
  const frame::Request& request = session.http->parser.request();
  const Resource resource = find_resource(path);
  const StaticFile* file = resource == Resource::file ? file_at(path) : nullptr;
  if (resource == Resource::file && file == nullptr) {
    return answer_refusal(
        slot, session, {404, "not_found", "there are /, /ws, /topics, /topics/<topic> and the dashboard's files"}, now);
  }
  // An upgrade by another method than GET is answered as such.
  const bool upgrades =
      (resource == Resource::topic || resource == Resource::web_socket) && frame::wants_websocket(request);
  const std::string_view allowed = allowed_methods(resource);
  if (!upgrades && !is_allowed(resource, method)) {
    return answer_refusal(
        slot, session, {405, "method_not_allowed", "here there are " + std::string(allowed), {"Allow", allowed}}, now);
  }
  if (!upgrades && method == Method::options) return answer_options(slot, session, allowed, now);
  if (!upgrades && session.http->body_unread && (method == Method::get || method == Method::head)) {
    return answer_refusal(slot, session, {400, "body_not_empty", "GET and HEAD have no body here"}, now);
  }
  if (resource == Resource::web_socket) return handle_web_socket(slot, session, now);
  if (resource == Resource::batch) return begin_batch(slot, session, now);
  if (resource == Resource::topic) return handle_topic(slot, session, path, now);
  return handle_file(slot, session, *file, now);
}

HttpSession::Next HttpSession::answer_options(SlotId slot, Session& session, std::string_view allowed, Instant now) {
  const frame::Request& request = session.http->parser.request();
  frame::ResponseBuilder builder = begin_response(session, 204, now);
  builder.field("Allow", allowed);
  if (is_preflight(request)) append_preflight(builder, request, allowed);
  return answer(slot, session, builder.no_body(), now);
}

HttpSession::Next HttpSession::handle_topic(SlotId slot, Session& session, std::string_view path, Instant now) {
  const frame::Request& request = session.http->parser.request();
  auto topic = read_topic_request(path, request.parts.query);
  if (!topic) return answer_refusal(slot, session, topic.error(), now);
  const std::string_view method = request.method;
  const bool reads = method == "GET" || method == "HEAD";
  session.http->by_accept = reads;
  const bool upgrades = frame::wants_websocket(request);
  if (reads && !upgrades && wants_event_stream(request.fields)) return stream(slot, session, *topic, now);
  if (sessions_.draining()) {
    return answer_refusal(slot, session, {503, "draining", "the broker restarts; try again"}, now);
  }
  if (upgrades) return upgrade_topic(slot, session, *topic, now);
  if (topic->json) {
    return answer_refusal(slot, session, {400, "bad_parameter", "format=json needs Accept: text/event-stream"}, now);
  }
  if (topic->chooses_delivery) {
    return answer_refusal(
        slot, session,
        {400, "bad_parameter", "delivery and rate are for subscribers: a WebSocket, or Accept: text/event-stream"},
        now);
  }
  if (method == "POST" || method == "DELETE") return begin_publish(slot, session, std::move(*topic), now);
  return get(slot, session, std::move(*topic), now);
}

HttpSession::Next HttpSession::get(SlotId slot, Session& session, TopicRequest topic, Instant now) {
  const frame::Request& request = session.http->parser.request();
  HttpExchange& http = *session.http;
  if (topic.wildcard) {
    return answer_refusal(
        slot, session,
        {400, "wildcard_in_topic",
         "one topic has one last value; subscribe to a filter, by WebSocket or with Accept: text/event-stream"},
        now);
  }
  if (!session.identity->may_subscribe(topic.filter)) {
    return answer_refusal(slot, session, {403, "forbidden", "not permitted on this topic"}, now);
  }
  http.if_match = request.fields.combined("If-Match");
  http.if_none_match = request.fields.combined("If-None-Match");
  http.topic = std::move(topic.filter);
  http.state = HttpExchange::State::answering;
  http.ticket = sessions_.take_ticket();
  sessions_.set_deadline(slot.index, now + config_.post_hold_ms);
  subscribing_.fetch(slot, http.topic, http.ticket);
  return Next::wait;
}

}  // namespace ringcast::broker
