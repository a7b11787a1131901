#include "broker/http_session.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdio>

#include "broker/body_format.h"
#include "broker/origin.h"
#include "frame/http_response.h"
#include "frame/url.h"

namespace ringcast::broker {

namespace {

constexpr std::size_t kContentTypeBytesMax = 255;  // kept beside every value: longer ones are nobody's honest wish
// A body that keeps coming keeps its connection: this much within a handshake timeout.
constexpr std::size_t kBodyProgressBytes = 64 * 1024;

std::string hexadecimal(std::uint64_t value) {
  std::array<char, 17> text{};
  (void)std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

std::string etag(std::string_view epoch, std::uint64_t seq) {
  return "\"" + std::string(epoch) + "-" + std::to_string(seq) + "\"";
}

// RFC 9110 §13.1.2: `*`, or a list in which our tag stands, weak or not.
bool matches_etag(std::string_view if_none_match, std::string_view tag) {
  return if_none_match == "*" || if_none_match.contains(tag);
}

bool offers(const frame::Upgrade& upgrade, std::string_view protocol) {
  return std::ranges::find(upgrade.protocols, protocol) != upgrade.protocols.end();
}

}  // namespace

HttpSession::HttpSession(const Config& config, std::uint64_t epoch, FindFile find_file, SessionTable& sessions,
                         Publishing& publishing, Subscribing& subscribing)
    : config_(config),
      epoch_(hexadecimal(epoch)),
      find_file_(find_file),
      sessions_(sessions),
      publishing_(publishing),
      subscribing_(subscribing) {}

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
      ++counters_.refused;
      session.http->keep_alive = false;
      return answer(slot, session, frame::error_response(step.error), now);
    case frame::RequestParser::Step::Kind::done:
      ++counters_.requests;
      return handle(slot, session, now);
  }
  return Next::more_bytes;
}

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
  if (frame::wants_websocket(request)) return upgrade(slot, session, std::move(*topic), now);
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
    return answer_refusal(slot, session, {404, "not_found", "there are /, /topics/<topic> and the dashboard's files"},
                          now);
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

HttpSession::Next HttpSession::upgrade(SlotId slot, Session& session, TopicRequest topic, Instant now) {
  const auto upgrade = frame::check_upgrade(session.http->parser.request());
  if (!upgrade) {
    ++counters_.refused;
    session.http->keep_alive = false;
    return answer(slot, session, frame::error_response(upgrade.error()), now);
  }
  constexpr std::string_view kRaw = "ringcast.v1.raw";
  if (!upgrade->protocols.empty() && !offers(*upgrade, kRaw)) {
    return answer_refusal(slot, session,
                          {400, "unknown_subprotocol", "the one subprotocol is ringcast.v1.raw; or offer none"}, now);
  }
  if (topic.publish_only && topic.wildcard) {
    return answer_refusal(slot, session, {400, "cannot_publish_to_filter", "mode=pub needs a topic without wildcards"},
                          now);
  }
  if (topic.publish_only ? !session.identity->may_publish(topic.filter)
                         : !session.identity->may_subscribe(topic.filter)) {
    return answer_refusal(slot, session, {403, "forbidden", "not permitted on this topic"}, now);
  }
  session.echo = topic.echo;
  session.may_send = !topic.wildcard;
  if (topic.publish_only) {
    session.topic = std::make_unique<std::string>(std::move(topic.filter));
    sessions_.upgraded().push_back(slot);
  } else {
    const auto subscribed = subscribing_.subscribe(slot, topic.filter, {.wants_last = topic.last, .upgrades = true});
    if (!subscribed) {
      return answer_refusal(slot, session, {503, "too_many_filters", std::string(topics::describe(subscribed.error()))},
                            now);
    }
  }
  session.http->behind_answers = !session.outbox.empty();
  sessions_.send_own(slot, frame::upgrade_response(*upgrade, {.protocol = upgrade->protocols.empty() ? "" : kRaw}));
  // In this phase nothing leaves: the 101 goes out when the subscription is live, so that who sees `open` gets whatever
  // is published from then on.
  session.phase = Phase::upgrading;
  session.http->parser.release();
  return Next::wait;
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
  http.removes = request.method == "DELETE";
  http.topic = std::move(topic.filter);
  http.content_type = type;
  http.body_reader.emplace(request.framing, config_.max_message_bytes);
  http.state = HttpExchange::State::body;
  // Who asks first is told of a body that is too large before it sends it (RFC 9110 §10.1.1).
  if (request.expect_continue && request.framing.length <= config_.max_message_bytes)
    sessions_.send_own(slot, std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
  sessions_.set_deadline(slot.index, now + config_.handshake_timeout_ms);
  return Next::go_on;
}

HttpSession::Next HttpSession::read_body(SlotId slot, Session& session, Bytes in, std::size_t& consumed, Instant now) {
  HttpExchange& http = *session.http;
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
      return publish(slot, session, now);
    case frame::BodyReader::Step::Kind::failed:
      ++counters_.refused;
      http.keep_alive = false;
      return answer(slot, session, frame::error_response(step.error), now);
  }
  return Next::more_bytes;
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
  const Publish message{.topic = http.topic, .format = *format, .payload = body};
  (void)publishing_.publish(slot, message,
                            {.op = http.removes ? topics::Op::remove : topics::Op::set,
                             .content_type = is_untyped(http.content_type) ? std::string_view{} : http.content_type,
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

void HttpSession::fetched(SlotId slot, std::uint32_t ticket, const topics::Message& message, Instant now) {
  Session& session = sessions_.at(slot.index);
  HttpExchange& http = *session.http;
  if (http.state != HttpExchange::State::answering || http.ticket != ticket) return;
  const std::string tag = etag(epoch_, message.seq);
  if (!http.if_none_match.empty() && matches_etag(http.if_none_match, tag)) {
    answer(slot, session, frame::ResponseBuilder(304).field("ETag", tag).no_body(), now);
    return;
  }
  std::string_view type = message.content_type();
  if (type.empty()) type = default_content_type(message.format);
  frame::ResponseBuilder builder(200);
  builder.field("ETag", tag).field("Cache-Control", "no-cache").field("X-Content-Type-Options", "nosniff");
  const Bytes payload = message.payload();
  const std::string_view body{reinterpret_cast<const char*>(payload.data()), payload.size()};
  (void)answer(slot, session, http.head_only ? builder.head_only(type, body.size()) : builder.body(type, body), now);
}

void HttpSession::fetched_all(SlotId slot, std::uint32_t ticket, Instant now) {
  Session& session = sessions_.at(slot.index);
  if (session.http->state != HttpExchange::State::answering || session.http->ticket != ticket)
    return;  // it was answered
  answer_refusal(slot, session, {404, "no_value", "this topic has no last value"}, now);
}

void HttpSession::acknowledged(SlotId slot, const Delivery& ack, Instant now) {
  Session& session = sessions_.at(slot.index);
  HttpExchange& http = *session.http;
  if (http.state != HttpExchange::State::answering || http.ticket != ack.ticket) return;
  switch (ack.outcome) {
    case Outcome::sequenced: {
      std::string body = "{\"topic\":";
      frame::append_json_string(body, http.topic);
      body += ",\"seq\":" + std::to_string(ack.seq) + ",\"epoch\":\"" + epoch_ +
              "\",\"time_us\":" + std::to_string(ack.time_us) + "}\n";
      answer(slot, session, frame::ResponseBuilder(200).json(body), now);
      return;
    }
    case Outcome::expired:
      answer_refusal(slot, session, {503, "busy", "not published: the broker had no room for it in time; try again"},
                     now);
      return;
    case Outcome::too_many_topics:
      answer_refusal(slot, session, {507, "too_many_topics", "not published: a new topic beyond --topics-max"}, now);
      return;
    case Outcome::memory_full:
      answer_refusal(slot, session, {507, "memory_full", "not published: values fill --topic-memory-max"}, now);
      return;
  }
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

HttpSession::Next HttpSession::answer_refusal(SlotId slot, Session& session, const HttpRefusal& refusal, Instant now) {
  ++counters_.refused;
  HttpExchange& http = *session.http;
  if (http.body_unread) http.keep_alive = false;  // its body would be taken for the next request
  const std::string body = frame::error_body(refusal.status, refusal.name, refusal.message);
  frame::ResponseBuilder builder(refusal.status);
  if (!http.keep_alive) builder.field("Connection", "close");
  if (refusal.status == 503) builder.field("Retry-After", "1");
  return answer(slot, session, http.head_only ? builder.head_only("application/json", body.size()) : builder.json(body),
                now);
}

void HttpSession::refuse(SlotId slot, std::uint16_t status, std::string_view name, std::string_view message,
                         Instant now) {
  Session& session = sessions_.at(slot.index);
  session.http->keep_alive = false;
  answer_refusal(slot, session, {status, name, std::string(message)}, now);
}

void HttpSession::refuse_upgrade(SlotId slot, Instant now) {
  Session& session = sessions_.at(slot.index);
  // A 503 would be taken for the answer to an earlier request, or cut one short that is being sent.
  if (session.http->behind_answers) return sessions_.abort(slot);
  session.phase = Phase::http;
  session.outbox.clear(sessions_.outboxes());  // the 101, of which nothing has left
  refuse(slot, 503, "busy", "the subscription could not be set up in time; try again", now);
}

void HttpSession::peer_finished(SlotId slot, Instant now) {
  Session& session = sessions_.at(slot.index);
  if (session.http->state == HttpExchange::State::answering) {
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
      // Held here it is certainly not published; on its way to the home it is the home that says what became of it.
      if (publishing_.take_back(session))
        return refuse(slot, 503, "busy", "not published: the broker has no room for it; try again", now);
      return sessions_.set_deadline(slot.index, now + config_.post_hold_ms);
  }
}

}  // namespace ringcast::broker
