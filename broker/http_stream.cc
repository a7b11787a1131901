// HttpSession's event streams: a GET of a filter by who accepts text/event-stream (WHATWG HTML, "Server-sent events").
//
// A browser's EventSource comes back after a lost connection, but gives up for good at any status but 200: so what will
// pass (a restart) or cannot be helped (an id of another broker) is said on the stream.
#include <algorithm>
#include <optional>
#include <utility>

#include "broker/checkpoint.h"
#include "broker/http_session.h"
#include "broker/sse_notice.h"
#include "frame/http_response.h"

namespace ringcast::broker {

namespace {

constexpr std::string_view kEventStream = "text/event-stream; charset=utf-8";

Protocol protocol_for(const frame::Request& request, const TopicRequest& topic) {
  const bool chunked = request.version_minor > 0;
  if (topic.wildcard || topic.json) return chunked ? Protocol::sse_json : Protocol::sse_json_unchunked;
  return chunked ? Protocol::sse : Protocol::sse_unchunked;
}

// What every answer with an event stream says. X-Accel-Buffering: nginx passes each event on at once.
void append_stream_fields(frame::ResponseBuilder& builder) {
  builder.field("Cache-Control", "no-cache, no-store, no-transform").field("Vary", "Accept");
  builder.field("X-Accel-Buffering", "no").field("X-Content-Type-Options", "nosniff");
}

}  // namespace

HttpSession::Next HttpSession::stream(SlotId slot, Session& session, const TopicRequest& topic, Instant now) {
  const frame::Request& request = session.http->parser.request();
  if (topic.publish_only) {
    return answer_refusal(slot, session, {400, "bad_parameter", "mode=pub is for WebSockets; a stream only subscribes"},
                          now);
  }
  if (!session.identity->may_subscribe(topic.filter)) {
    return answer_refusal(slot, session, forbidden(session, "not permitted to subscribe to this filter"), now);
  }
  if (session.http->head_only) {
    frame::ResponseBuilder head = begin_response(session, 200, now);
    append_stream_fields(head);
    return answer(slot, session, head.field("Content-Type", kEventStream).no_body(), now);
  }
  if (!sessions_.draining()) {
    if (const auto joined = limits_.joined(slot, session, now); !joined)
      return answer_refusal(slot, session, limit_refusal(joined.error()), now);
  }
  session.http->keep_alive = false;  // the connection ends with the stream
  frame::ResponseBuilder head = begin_response(session, 200, now);
  append_stream_fields(head);
  if (sessions_.draining()) {
    const std::uint64_t random = topics::hash_name(hash_key_, std::to_string(sessions_.take_ticket()));
    return answer(slot, session, head.body(kEventStream, write_retry(random) + write_notice(kGoAway)), now);
  }
  const Protocol protocol = protocol_for(request, topic);
  sessions_.set_encoding(session, encoding_of(protocol));
  session.may_send = !topic.wildcard;
  if (const auto begun = begin_stream(slot, session, topic); !begun) {
    sessions_.set_encoding(session, encoding_of(Protocol::raw));
    return answer_refusal(slot, session, {503, "too_many_filters", std::string(topics::describe(begun.error()))}, now);
  }
  head.field("Content-Type", kEventStream);
  if (is_chunked(protocol)) head.field("Transfer-Encoding", "chunked");
  watch(slot, session);
  return hold_back(slot, session, head.no_body());
}

std::expected<void, topics::Error> HttpSession::begin_stream(SlotId slot, Session& session, const TopicRequest& topic) {
  const frame::Fields& fields = session.http->parser.request().fields;
  const std::string_view id = fields.get("Last-Event-ID").value_or("");
  Since since;
  const SseNotice* notice = nullptr;
  Subscribing::Begin begin = topic.last ? Subscribing::Begin::last_values : Subscribing::Begin::now;
  if (!id.empty()) {  // an EventSource that has none sends none; an empty one is the same
    const auto checkpoint = read_token(id);
    since = checkpoint ? since_checkpoint(*checkpoint, epoch_number_, subscribing_.shards(), {})
                       : since_ever(subscribing_.shards());
    if (since.foreign) notice = checkpoint ? &kGapRestarted : &kGapUnknownId;
    begin = Subscribing::Begin::since;
  }
  const auto index = subscribing_.subscribe(slot, topic.filter,
                                            {.begin = begin, .pace = topic.pace, .upgrades = true, .since = &since});
  if (!index) return std::unexpected(index.error());
  session.http->stream_begins_with = notice;
  return {};
}

}  // namespace ringcast::broker
