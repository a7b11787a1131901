// HttpSession's publishes: POST and DELETE of a topic, and batches.
#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "broker/body_format.h"
#include "broker/http_session.h"
#include "broker/idempotency_header.h"
#include "broker/token_request.h"
#include "proto/json_form.h"
#include "proto/publish_rules.h"
#include "proto/request.h"
#include "topics/name.h"

namespace ringcast::broker {

namespace {

// What becomes of a publish that its home did not take.
HttpRefusal refusal_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::expired:
      return {503, "busy", "not published: the broker had no room for it in time; try again"};
    case Outcome::too_many_topics:
      return {507, "too_many_topics", "not published: a new topic beyond --max-topics"};
    case Outcome::memory_full:
      return {507, "memory_full", "not published: values fill --max-topic-memory"};
    case Outcome::key_reused:
      return {422, "idempotency_key_reused", "not published: this key came with another body"};
    case Outcome::sequenced:
    case Outcome::duplicate:
    case Outcome::too_old:
    case Outcome::fenced:
    case Outcome::too_many_producers:
      break;
  }
  assert(false);  // no refusal, or not that of a POST, which is no producer's
  std::unreachable();
}

bool is_ndjson(std::string_view content_type) {
  const std::string_view type = frame::trim_spaces(content_type.substr(0, content_type.find(';')));
  constexpr std::array<std::string_view, 4> kNames{"application/x-ndjson", "application/ndjson", "application/jsonl",
                                                   "application/x-jsonlines"};
  return is_untyped(content_type) ||
         std::ranges::any_of(kNames, [&](std::string_view name) { return frame::equals_ignoring_case(type, name); });
}

// What is said of a body before it is read; nothing if it may come.
std::optional<HttpRefusal> check_body(const frame::Request& request) {
  // To publish regardless could overwrite what the client meant to keep.
  for (const char* condition : {"If-Match", "If-None-Match", "If-Unmodified-Since"}) {
    if (request.fields.count(condition) > 0) {
      return HttpRefusal{501, "condition_not_implemented",
                         std::string("there are no conditional publishes here: leave ") + condition + " out"};
    }
  }
  if (request.method == "POST" && request.framing.kind == frame::Framing::Kind::none) {
    return HttpRefusal{411, "length_required", "say Content-Length, 0 for an empty message, or send chunks"};
  }
  for (const std::string_view coding : request.fields.list("Content-Encoding")) {
    if (frame::equals_ignoring_case(coding, "identity")) continue;
    return HttpRefusal{415,
                       "content_encoding",
                       "bodies are taken as they are, without Content-Encoding",
                       {"Accept-Encoding", "identity"}};
  }
  const std::string_view type = request.fields.get("Content-Type").value_or("");
  if (request.fields.count("Content-Type") > 1)
    return HttpRefusal{400, "duplicate_content_type", "Content-Type comes once"};
  if (type.size() > proto::kContentTypeBytesMax)
    return HttpRefusal{400, "content_type_too_long", "Content-Type has at most 255 bytes"};
  // It is told to subscribers too, in JSON and in Protocol Buffers' strings.
  if (!proto::is_content_type(type))
    return HttpRefusal{400, "bad_content_type", "Content-Type has only printable ASCII"};
  return std::nullopt;
}

}  // namespace

std::optional<HttpRefusal> HttpSession::take_idempotency_key(Session& session) const {
  const frame::Request& request = session.http->parser.request();
  const auto value = request.fields.get("Idempotency-Key");
  if (!value) return std::nullopt;
  if (request.fields.count("Idempotency-Key") > 1) {
    return HttpRefusal{400, "bad_idempotency_key", "Idempotency-Key comes once"};
  }
  auto key = read_idempotency_key(*value);
  if (!key) return key.error();
  session.http->idempotency_key = std::move(*key);
  return std::nullopt;
}

Repeat HttpSession::repeat_by(std::string_view idempotency_key, const KeyScope& scope, std::string_view content_type,
                              std::string_view body) const {
  if (idempotency_key.empty()) return {};
  topics::KeyedBody keyed = hash_idempotency_key(hash_key_, scope, idempotency_key);
  keyed.body = hash_body(hash_key_, content_type, body);
  return keyed;
}

HttpSession::Next HttpSession::begin_publish(SlotId slot, Session& session, TopicRequest topic, Instant now) {
  if (topic.wildcard) {
    return answer_refusal(slot, session,
                          {400, "wildcard_in_topic", "a message is published to a topic, not to a filter"}, now);
  }
  if (!session.identity->may_publish(topic.filter)) {
    if (topics::is_reserved(topic.filter)) {
      return answer_refusal(slot, session, {403, "forbidden", "topics that begin with $ are the broker's own"}, now);
    }
    return answer_refusal(slot, session, forbidden(session, "not permitted to publish to this topic"), now);
  }
  session.http->topic = std::move(topic.filter);
  return begin_body(slot, session, now);
}

HttpSession::Next HttpSession::begin_batch(SlotId slot, Session& session, Instant now) {
  const frame::Request& request = session.http->parser.request();
  if (!has_only_token(request.parts.query)) {
    return answer_refusal(slot, session, {400, "unknown_parameter", "/topics takes no parameter but token"}, now);
  }
  if (sessions_.draining()) {
    return answer_refusal(slot, session, {503, "draining", "the broker restarts; try again"}, now);
  }
  if (!is_ndjson(request.fields.get("Content-Type").value_or(""))) {
    return answer_refusal(slot, session,
                          {415,
                           "content_type",
                           "a batch is application/x-ndjson: one JSON object a line",
                           {"Accept", "application/x-ndjson"}},
                          now);
  }
  if (!session.identity->may_anything()) {
    return answer_refusal(slot, session, forbidden(session, "not permitted to publish"), now);
  }
  session.http->batch = std::make_unique<Batch>();
  return begin_body(slot, session, now);
}

HttpSession::Next HttpSession::begin_body(SlotId slot, Session& session, Instant now) {
  if (const auto may = limits_.may_publish(slot, session, now); !may)
    return answer_refusal(slot, session, limit_refusal(may.error()), now);
  const frame::Request& request = session.http->parser.request();
  HttpExchange& http = *session.http;
  if (auto refusal = check_body(request)) return answer_refusal(slot, session, *refusal, now);
  if (auto refusal = take_idempotency_key(session)) return answer_refusal(slot, session, *refusal, now);
  http.removes = request.method == "DELETE";
  http.content_type = request.fields.get("Content-Type").value_or("");
  http.body_reader.emplace(request.framing, config_.max_message_bytes);
  http.state = HttpExchange::State::body;
  // Who asks first is told of a body that is too large before it sends it (RFC 9110 §10.1.1).
  if (request.expect_continue && request.framing.length <= config_.max_message_bytes)
    sessions_.send_own(slot, std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
  sessions_.set_deadline(slot.index, now + config_.handshake_timeout_ms);
  return Next::go_on;
}

HttpSession::Next HttpSession::body_came(SlotId slot, Session& session, Instant now) {
  // The head came in time, the body too late: who would have to hear of it may be gone.
  if (sessions_.draining()) {
    return answer_refusal(slot, session, {503, "draining", "the broker restarts; try again"}, now);
  }
  if (session.http->batch != nullptr) return publish_batch(slot, session, now);
  return publish(slot, session, now);
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
  const KeyScope scope{
      .method = http.removes ? "DELETE" : "POST", .topic = http.topic, .subject = session.identity->subject};
  const Publish message{.topic = http.topic, .format = *format, .payload = body};
  limits_.charge(slot, session, 1, body.size(), now);
  (void)publishing_.publish(slot, message,
                            {.op = http.removes ? topics::Op::remove : topics::Op::set,
                             .content_type = is_untyped(http.content_type) ? std::string_view{} : http.content_type,
                             .repeat = repeat_by(http.idempotency_key, scope, http.content_type, http.body),
                             .wants_ack = true,
                             .ticket = http.ticket,
                             .deadline = deadline});
  return Next::wait;
}

HttpSession::Next HttpSession::publish_batch(SlotId slot, Session& session, Instant now) {
  HttpExchange& http = *session.http;
  const auto lines = Batch::split(http.body);
  if (!lines) return answer_refusal(slot, session, lines.error(), now);
  limits_.charge(slot, session, lines->size(), http.body.size(), now);
  std::uint32_t ticket = sessions_.take_tickets(static_cast<std::uint32_t>(lines->size()));
  http.batch->begin(*lines, ticket);
  http.state = HttpExchange::State::answering;
  const Instant deadline = now + config_.post_hold_ms;
  sessions_.set_deadline(slot.index, deadline);
  proto::JsonForm form;
  for (const BatchLine& line : *lines)
    publish_line(slot, session, form, line, {.number = ticket++, .deadline = deadline});
  http.body = {};
  if (http.batch->complete()) return answer_batch(slot, session, now);
  return Next::wait;
}

void HttpSession::publish_line(SlotId slot, Session& session, proto::JsonForm& form, const BatchLine& line,
                               LineTicket ticket) {
  HttpExchange& http = *session.http;
  const auto refuse_line = [&](std::uint16_t status, std::string_view name, std::string_view text,
                               std::string_view field) {
    http.batch->refused(ticket.number, {status, name, std::string(text)}, field);
  };
  const auto read = form.read_publish({reinterpret_cast<const std::uint8_t*>(line.text.data()), line.text.size()});
  if (!read) return refuse_line(400, proto::name(read.error().code), read.error().text, read.error().field);
  if (read->id != 0)
    return refuse_line(400, "bad_value", "id is for connections: results come in the order of lines", "id");
  if (read->producer_seq != 0)
    return refuse_line(400, "bad_value", "producer_seq is for connections: see Idempotency-Key", "producer_seq");
  if (const auto valid = topics::validate_topic(read->topic); !valid)
    return refuse_line(400, "bad_topic", topics::describe(valid.error()), "topic");
  if (!session.identity->may_publish(read->topic))
    return refuse_line(403, "forbidden", "not permitted to publish to this topic", "topic");
  // Each line has a key of its own, so that a batch that is sent again publishes what was not published before.
  const std::string method = "POST line " + std::to_string(line.number);
  const KeyScope scope{.method = method, .topic = read->topic, .subject = session.identity->subject};
  const Publish message{
      .topic = read->topic, .format = static_cast<topics::Format>(read->format), .payload = read->payload};
  (void)publishing_.publish(slot, message,
                            {.op = static_cast<topics::Op>(read->op),
                             .content_type = read->content_type,
                             .headers = read->headers,
                             .repeat = repeat_by(http.idempotency_key, scope, "", line.text),
                             .wants_ack = true,
                             .ticket = ticket.number,
                             .deadline = ticket.deadline});
}

HttpSession::Next HttpSession::answer_batch(SlotId slot, Session& session, Instant now) {
  const std::string results = session.http->batch->text();
  return answer_with(slot, session, begin_response(session, 200, now), "application/x-ndjson", results, now);
}

void HttpSession::acknowledged(SlotId slot, const Delivery& ack, Instant now) {
  Session& session = sessions_.at(slot.index);
  HttpExchange& http = *session.http;
  if (http.state != HttpExchange::State::answering) return;
  if (http.batch != nullptr) return acknowledged_line(slot, session, ack, now);
  if (http.ticket != ack.ticket) return;
  if (ack.outcome != Outcome::sequenced && ack.outcome != Outcome::duplicate) {
    answer_refusal(slot, session, refusal_of(ack.outcome), now);
    return;
  }
  std::string body = "{\"topic\":";
  frame::append_json_string(body, http.topic);
  body += ",\"seq\":" + std::to_string(ack.seq) + ",\"epoch\":\"" + epoch_ +
          "\",\"time_us\":" + std::to_string(ack.time_us) +
          (ack.outcome == Outcome::duplicate ? ",\"duplicate\":true}\n" : "}\n");
  answer_with(slot, session, begin_response(session, 200, now), "application/json", body, now);
}

void HttpSession::acknowledged_line(SlotId slot, Session& session, const Delivery& ack, Instant now) {
  Batch& batch = *session.http->batch;
  if (!batch.waits_for(ack.ticket)) return;
  if (ack.outcome == Outcome::sequenced || ack.outcome == Outcome::duplicate) {
    batch.sequenced(ack, epoch_);
  } else {
    batch.refused(ack.ticket, refusal_of(ack.outcome));
  }
  if (batch.complete()) answer_batch(slot, session, now);
}

void HttpSession::publish_too_late(SlotId slot, Session& session, Instant now) {
  HttpExchange& http = *session.http;
  const HttpRefusal busy{503, "busy", "not published: the broker has no room for it; try again"};
  if (http.batch != nullptr && session.held != nullptr) {
    for (const HeldPublish& held : *session.held) http.batch->refused(held.ticket, busy);
  }
  // Held here it is certainly not published; on its way to the home it is the home that says what became of it.
  const bool taken_back = publishing_.take_back(session);
  if (http.batch == nullptr && taken_back) return refuse(slot, busy.status, busy.name, busy.message, now);
  if (http.batch != nullptr && http.batch->complete()) {
    answer_batch(slot, session, now);
    return;
  }
  sessions_.set_deadline(slot.index, now + config_.post_hold_ms);
}

}  // namespace ringcast::broker
