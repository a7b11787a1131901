// HttpSession's requests: what each of them asks for, once its head has been read.
#include <algorithm>
#include <cassert>

#include "broker/accept.h"
#include "broker/cors.h"
#include "broker/http_resource.h"
#include "broker/http_session.h"
#include "broker/origin.h"
#include "broker/token_request.h"

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
  const bool stays = frame::wants_websocket(request) || wants_event_stream(request.fields);
  if (const auto begun = limits_.forwarded(slot, request.fields, stays, now); !begun)
    return answer_refusal(slot, session, limit_refusal(begun.error()), now);
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
  if (resource == Resource::file) return handle_file(slot, session, *file, now);
  if (const auto waits_or_refused = identify(slot, session, now)) return *waits_or_refused;
  return serve(slot, session, resource, path, now);
}

// What needs to know who asks.
HttpSession::Next HttpSession::serve(SlotId slot, Session& session, Resource resource, std::string_view path,
                                     Instant now) {
  if (resource == Resource::web_socket) return handle_web_socket(slot, session, now);
  if (resource == Resource::batch) return begin_batch(slot, session, now);
  return handle_topic(slot, session, path, now);
}

std::optional<HttpSession::Next> HttpSession::identify(SlotId slot, Session& session, Instant now) {
  if (!authenticator_.on()) return std::nullopt;
  // Not who the last request of this connection was of; a certificate is the whole connection's.
  session.identity = session.identity->by == Identity::By::certificate
                         ? authenticator_.of_certificate(session.identity->subject)
                         : authenticator_.anonymous();
  const auto token = find_token(session.http->parser.request());
  if (!token) return answer_refusal(slot, session, token.error(), now);
  if (token->empty()) return std::nullopt;
  if (!authenticator_.has_time_for(*token)) {
    session.http->state = HttpExchange::State::checking;
    authenticator_.wait(slot);
    return Next::wait;
  }
  auto identity = authenticator_.check(*token);
  if (identity) {
    session.identity = *std::move(identity);
    return std::nullopt;
  }
  session.http->keep_alive = false;  // who guesses begins anew
  return answer_refusal(slot, session,
                        {401,
                         "token_refused",
                         std::string(text(identity.error())),
                         {"WWW-Authenticate", "Bearer error=\"invalid_token\""}},
                        now);
}

void HttpSession::check_waiting(Instant now) {
  while (const auto slot = authenticator_.take_waiting()) {
    Session* const session = sessions_.find(*slot);
    if (session == nullptr || session->phase != Phase::http || session->http->state != HttpExchange::State::checking)
      continue;
    session->http->state = HttpExchange::State::head;
    session->stopped = false;
    if (handle(*slot, *session, now) == Next::wait) {
      sessions_.stop(*session);
    } else {
      session->stopped = true;  // so that what came behind the request is offered again
      sessions_.resume(*slot);
    }
  }
}

HttpRefusal HttpSession::forbidden(const Session& session, std::string_view text) {
  authenticator_.count_forbidden();
  if (!authenticator_.on() || session.identity->by != Identity::By::nobody)
    return {403, "forbidden", std::string(text)};
  authenticator_.count_refused(TokenError::missing);
  return {401, "token_missing", std::string(text) + " without a token", {"WWW-Authenticate", "Bearer"}};
}

void HttpSession::watch(SlotId slot, const Session& session) {
  if (session.identity->expires_s != INT64_MAX && session.full == nullptr)
    authenticator_.watch(slot, session.identity->expires_s);
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
    return answer_refusal(slot, session, forbidden(session, "not permitted to read this topic"), now);
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
