#include "tests/proto/plain.h"

#include <map>

#include "proto/headers.h"
#include "proto/wire_reader.h"

namespace ringcast::proto::test {

namespace {

class Lines {
 public:
  explicit Lines(std::string_view title) : text_(title) {}

  Lines& add(std::string_view name, std::uint64_t value) { return add(name, std::to_string(value)); }
  Lines& add(std::string_view name, std::string_view value) {
    text_ += "\n  " + std::string(name) + " = " + std::to_string(value.size()) + ":" + std::string(value);
    return *this;
  }
  template <class List>
  Lines& add_all(std::string_view name, const List& list) {
    for (const auto& one : list) add(name, one);
    return *this;
  }
  [[nodiscard]] std::string text() const { return text_; }

 private:
  std::string text_;
};

// The name of an enumerator is its number here.
template <class Enum>
std::uint64_t number(Enum value) {
  return static_cast<std::uint64_t>(value);
}

std::string show_headers(std::string_view encoded) {
  std::map<std::string, std::string> sorted;
  HeaderReader headers(encoded);
  for (HeaderEntry entry; headers.next(entry);)
    sorted[std::string(entry.name)] = entry.value;  // as libprotobuf: the last
  Lines lines("");
  for (const auto& [name, value] : sorted) lines.add(name, value);
  return lines.text();
}

std::string show_one(const Hello& hello) {
  return Lines("hello")
      .add("id", hello.id)
      .add("client", hello.client)
      .add_all("features", hello.features)
      .add("producer_id", hello.producer_id)
      .add("token", hello.token)
      .text();
}

std::string show_one(const Subscribe& subscribe) {
  Lines received("");
  for (const OriginPosition& one : subscribe.received) received.add(std::to_string(one.origin), one.position);
  return Lines("subscribe")
      .add("id", subscribe.id)
      .add("filter", subscribe.filter)
      .add("start", number(subscribe.start))
      .add("last_count", subscribe.last_count)
      .add("echo", subscribe.echo ? std::string_view(*subscribe.echo ? "yes" : "no") : "absent")
      .add("delivery", number(subscribe.delivery))
      .add("max_rate_hz", std::to_string(subscribe.max_rate_hz))
      .add("on_lag", number(subscribe.on_lag))
      .add("since_us", subscribe.since_us)
      .add("resume_token", subscribe.resume_token)
      .add("received", received.text())
      .text();
}

std::string show_one(const Change& change) {
  return Lines("change")
      .add("id", change.id)
      .add("subscription", change.subscription)
      .add("delivery", number(change.delivery))
      .add("max_rate_hz", std::to_string(change.max_rate_hz))
      .add("on_lag", number(change.on_lag))
      .text();
}

std::string show_one(const Refresh& refresh) {
  return Lines("refresh").add("id", refresh.id).add("token", refresh.token).text();
}

std::string show_one(const Unsubscribe& unsubscribe) {
  return Lines("unsubscribe").add("id", unsubscribe.id).add("subscription", unsubscribe.subscription).text();
}

std::string show_one(const Publish& publish) {
  return Lines("publish")
      .add("id", publish.id)
      .add("topic", publish.topic)
      .add("op", number(publish.op))
      .add("format", number(publish.format))
      .add("content_type", publish.content_type)
      .add("headers", show_headers(publish.headers))
      .add("payload", as_text(publish.payload))
      .add("producer_seq", publish.producer_seq)
      .text();
}

std::string show_one(const PublishBatch& batch) {
  std::string all = "batch";
  for (const Publish& publish : batch.messages) all += "\n" + show_one(publish);
  return all;
}

std::string show_one(const Message& message) {
  return Lines("message")
      .add("seq", message.seq)
      .add("topic", message.topic)
      .add("op", number(message.op))
      .add("format", number(message.format))
      .add("content_type", message.content_type)
      .add("headers", show_headers(message.headers))
      .add("payload", as_text(message.payload))
      .add("origin", message.origin)
      .add("position", message.position)
      .add("time_us", message.time_us)
      .add("subscription", message.subscription)
      .add("mark", number(message.mark))
      .text();
}

std::string show_one(const Ack& ack) {
  return Lines("ack")
      .add("id", ack.id)
      .add("seq", ack.seq)
      .add("origin", ack.origin)
      .add("position", ack.position)
      .add("time_us", ack.time_us)
      .add("duplicate", ack.duplicate ? 1 : 0)
      .add("up_to", ack.up_to)
      .text();
}

std::string show_one(const Credit& credit) {
  return Lines("credit").add("messages", credit.messages).add("bytes", credit.bytes).text();
}

std::string show_one(const Limits& limits) {
  return Lines("limits")
      .add("message_bytes", limits.message_bytes)
      .add("subscriptions", limits.subscriptions)
      .add("topic_bytes", limits.topic_bytes)
      .add("headers", limits.headers)
      .add("headers_bytes", limits.headers_bytes)
      .add("batch_messages", limits.batch_messages)
      .add("producer_window", limits.producer_window)
      .text();
}

std::string show_one(const Welcome& welcome) {
  return Lines("welcome")
      .add("id", welcome.id)
      .add("epoch", welcome.epoch)
      .add_all("features", welcome.features)
      .add("limits", show_one(welcome.limits))
      .add("ping_interval_ms", welcome.ping_interval_ms)
      .add("producer_id", welcome.producer_id)
      .add("producer_resumed", welcome.producer_resumed ? 1 : 0)
      .add("credit", show_one(welcome.credit))
      .add("subject", welcome.subject)
      .add("server", welcome.server)
      .add("token_expires_us", welcome.token_expires_us)
      .text();
}

std::string show_one(const Subscribed& subscribed) {
  return Lines("subscribed").add("id", subscribed.id).add("filter", subscribed.filter).text();
}

std::string show_one(const Unsubscribed& unsubscribed) {
  return Lines("unsubscribed")
      .add("id", unsubscribed.id)
      .add("subscription", unsubscribed.subscription)
      .add("reason", unsubscribed.reason)
      .text();
}

std::string show_one(const Refreshed& refreshed) {
  return Lines("refreshed").add("id", refreshed.id).add("token_expires_us", refreshed.token_expires_us).text();
}

std::string show_one(const SnapshotEnd& end) {
  return Lines("snapshot_end").add("subscription", end.subscription).add("resumed", number(end.resumed)).text();
}

std::string show_one(const Changed& changed) {
  return Lines("changed").add("id", changed.id).add("subscription", changed.subscription).text();
}

std::string show_one(const Checkpoint& checkpoint) {
  return Lines("checkpoint")
      .add_all("subscriptions", checkpoint.subscriptions)
      .add("epoch", checkpoint.epoch)
      .add("token", checkpoint.token)
      .text();
}

std::string show_one(const Lag& lag) {
  Lines ranges("");
  for (const LagRange& range : lag.ranges) {
    ranges.add("topic", range.topic).add("first_seq", range.first_seq).add("last_seq", range.last_seq);
  }
  return Lines("lag")
      .add("subscription", lag.subscription)
      .add("merged", lag.merged)
      .add("skipped", lag.skipped)
      .add("caught_up", lag.caught_up ? 1 : 0)
      .add("ranges", ranges.text())
      .add("more_ranges", lag.more_ranges ? 1 : 0)
      .text();
}

std::string show_one(const GoAway& go_away) {
  return Lines("go_away")
      .add("text", go_away.text)
      .add("deadline_ms", go_away.deadline_ms)
      .add("reconnect_after_ms", go_away.reconnect_after_ms)
      .add("reconnect_within_ms", go_away.reconnect_within_ms)
      .add("resume", go_away.resume ? 1 : 0)
      .text();
}

std::string show_one(const Error& error) {
  return Lines("error")
      .add("code", number(error.code))
      .add("text", error.text)
      .add("id", error.id)
      .add("field", error.field)
      .text();
}

}  // namespace

std::string show(const Request& request) {
  return std::visit([](const auto& one) { return show_one(one); }, request);
}

std::string show(const Event& event) {
  return std::visit([](const auto& one) { return show_one(one); }, event);
}

}  // namespace ringcast::proto::test
