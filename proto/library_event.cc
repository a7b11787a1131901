#include <cassert>
#include <string>
#include <utility>

#include "proto/library_plain.h"
#include "proto/ringcast.pb.h"

namespace ringcast::proto {

namespace {

Credit plain(const v1::Credit& credit) {
  return {.messages = credit.messages(), .bytes = credit.bytes()};
}

Limits plain(const v1::Limits& limits) {
  return {.message_bytes = limits.message_bytes(),
          .subscriptions = limits.subscriptions(),
          .topic_bytes = limits.topic_bytes(),
          .headers = limits.headers(),
          .headers_bytes = limits.headers_bytes(),
          .batch_messages = limits.batch_messages(),
          .producer_window = limits.producer_window()};
}

Welcome plain(const v1::Welcome& welcome, PlainLists& lists) {
  lists.texts.assign(welcome.features().begin(), welcome.features().end());
  return {.id = welcome.id(),
          .epoch = welcome.epoch(),
          .features = lists.texts,
          .limits = plain(welcome.limits()),
          .ping_interval_ms = welcome.ping_interval_ms(),
          .producer_id = welcome.producer_id(),
          .producer_resumed = welcome.producer_resumed(),
          .credit = plain(welcome.credit()),
          .subject = welcome.subject(),
          .server = welcome.server(),
          .token_expires_us = welcome.token_expires_us()};
}

Checkpoint plain(const v1::Checkpoint& checkpoint, PlainLists& lists) {
  lists.numbers.assign(checkpoint.subscriptions().begin(), checkpoint.subscriptions().end());
  return {.subscriptions = lists.numbers, .epoch = checkpoint.epoch(), .token = checkpoint.token()};
}

// An outcome that a newer broker tells is taken for `unspecified`, as any enum value that is not known here.
SnapshotEnd plain(const v1::SnapshotEnd& end) {
  const bool known = v1::Resumed_IsValid(end.resumed());
  return {.subscription = end.subscription(),
          .resumed = known ? static_cast<Resumed>(end.resumed()) : Resumed::unspecified};
}

Lag plain(const v1::Lag& lag, PlainLists& lists) {
  lists.ranges.clear();
  for (const v1::LagRange& range : lag.ranges()) {
    lists.ranges.push_back({.topic = range.topic(), .first_seq = range.first_seq(), .last_seq = range.last_seq()});
  }
  return {.subscription = lag.subscription(),
          .merged = lag.merged(),
          .skipped = lag.skipped(),
          .caught_up = lag.caught_up(),
          .ranges = lists.ranges,
          .more_ranges = lag.more_ranges()};
}

// A code of a newer broker is taken for `unspecified`: the text still says what is wrong.
GoAway plain(const v1::GoAway& away) {
  return {.text = away.text(),
          .deadline_ms = away.deadline_ms(),
          .reconnect_after_ms = away.reconnect_after_ms(),
          .reconnect_within_ms = away.reconnect_within_ms(),
          .resume = away.resume()};
}

Error plain(const v1::Error& error) {
  const bool known = v1::ErrorCode_IsValid(error.code());
  return {.code = known ? static_cast<ErrorCode>(error.code()) : ErrorCode::unspecified,
          .text = error.text(),
          .id = error.id(),
          .field = error.field()};
}

void fill_limits(const Limits& limits, v1::Limits& to) {
  to.set_message_bytes(limits.message_bytes);
  to.set_subscriptions(limits.subscriptions);
  to.set_topic_bytes(limits.topic_bytes);
  to.set_headers(limits.headers);
  to.set_headers_bytes(limits.headers_bytes);
  to.set_batch_messages(limits.batch_messages);
  to.set_producer_window(limits.producer_window);
}

void fill_credit(const Credit& credit, v1::Credit& to) {
  to.set_messages(credit.messages);
  to.set_bytes(credit.bytes);
}

void fill_one(const Welcome& welcome, v1::ServerMessage& message) {
  v1::Welcome& to = *message.mutable_welcome();
  to.set_id(welcome.id);
  to.set_epoch(std::string(welcome.epoch));
  for (const std::string_view feature : welcome.features) to.add_features(std::string(feature));
  fill_limits(welcome.limits, *to.mutable_limits());
  to.set_ping_interval_ms(welcome.ping_interval_ms);
  to.set_producer_id(std::string(welcome.producer_id));
  to.set_producer_resumed(welcome.producer_resumed);
  const Credit& credit = welcome.credit;
  if (credit.messages != 0 || credit.bytes != 0) fill_credit(credit, *to.mutable_credit());
  to.set_subject(std::string(welcome.subject));
  to.set_server(std::string(welcome.server));
  to.set_token_expires_us(welcome.token_expires_us);
}

void fill_one(const Subscribed& subscribed, v1::ServerMessage& message) {
  message.mutable_subscribed()->set_id(subscribed.id);
  message.mutable_subscribed()->set_filter(std::string(subscribed.filter));
}

void fill_one(const Unsubscribed& unsubscribed, v1::ServerMessage& message) {
  message.mutable_unsubscribed()->set_id(unsubscribed.id);
  message.mutable_unsubscribed()->set_subscription(unsubscribed.subscription);
  message.mutable_unsubscribed()->set_reason(std::string(unsubscribed.reason));
}

void fill_one(const Changed& changed, v1::ServerMessage& message) {
  message.mutable_changed()->set_id(changed.id);
  message.mutable_changed()->set_subscription(changed.subscription);
}

void fill_one(const Refreshed& refreshed, v1::ServerMessage& message) {
  message.mutable_refreshed()->set_id(refreshed.id);
  message.mutable_refreshed()->set_token_expires_us(refreshed.token_expires_us);
}

void fill_one(const Credit& credit, v1::ServerMessage& message) {
  fill_credit(credit, *message.mutable_credit());
}

void fill_one(const SnapshotEnd& end, v1::ServerMessage& message) {
  message.mutable_snapshot_end()->set_subscription(end.subscription);
  message.mutable_snapshot_end()->set_resumed(static_cast<v1::Resumed>(end.resumed));
}

void fill_one(const Checkpoint& checkpoint, v1::ServerMessage& message) {
  v1::Checkpoint& to = *message.mutable_checkpoint();
  for (const std::uint64_t subscription : checkpoint.subscriptions) to.add_subscriptions(subscription);
  to.set_epoch(std::string(checkpoint.epoch));
  to.set_token(std::string(checkpoint.token));
}

void fill_one(const Lag& lag, v1::ServerMessage& message) {
  v1::Lag& to = *message.mutable_lag();
  to.set_subscription(lag.subscription);
  to.set_merged(lag.merged);
  to.set_skipped(lag.skipped);
  to.set_caught_up(lag.caught_up);
  for (const LagRange& range : lag.ranges) {
    v1::LagRange& added = *to.add_ranges();
    added.set_topic(std::string(range.topic));
    added.set_first_seq(range.first_seq);
    added.set_last_seq(range.last_seq);
  }
  to.set_more_ranges(lag.more_ranges);
}

void fill_one(const GoAway& go_away, v1::ServerMessage& message) {
  v1::GoAway& to = *message.mutable_go_away();
  to.set_text(std::string(go_away.text));
  to.set_deadline_ms(go_away.deadline_ms);
  to.set_reconnect_after_ms(go_away.reconnect_after_ms);
  to.set_reconnect_within_ms(go_away.reconnect_within_ms);
  to.set_resume(go_away.resume);
}

void fill_one(const Error& error, v1::ServerMessage& message) {
  v1::Error& to = *message.mutable_error();
  to.set_code(static_cast<v1::ErrorCode>(error.code));
  to.set_text(std::string(error.text));
  to.set_id(error.id);
  to.set_field(std::string(error.field));
}

void fill_one(const Message& /*by hand*/, v1::ServerMessage& /*message*/) {
  assert(false);
}

// By hand, too, in Protocol Buffers; JSON's reader of acks is the library's.
void fill_one(const Ack& /*by hand*/, v1::ServerMessage& /*message*/) {
  assert(false);
}

Ack plain(const v1::Ack& ack) {
  return {.id = ack.id(),
          .seq = ack.seq(),
          .origin = ack.origin(),
          .position = ack.position(),
          .time_us = ack.time_us(),
          .duplicate = ack.duplicate(),
          .up_to = ack.up_to()};
}

}  // namespace

Event to_plain(const v1::ServerMessage& message, PlainLists& lists) {
  using V1 = v1::ServerMessage;
  switch (message.event_case()) {
    case V1::kWelcome:
      return plain(message.welcome(), lists);
    case V1::kSubscribed:
      return Subscribed{.id = message.subscribed().id(), .filter = message.subscribed().filter()};
    case V1::kUnsubscribed:
      return Unsubscribed{.id = message.unsubscribed().id(),
                          .subscription = message.unsubscribed().subscription(),
                          .reason = message.unsubscribed().reason()};
    case V1::kAck:
      return plain(message.ack());
    case V1::kCredit:
      return plain(message.credit());
    case V1::kSnapshotEnd:
      return plain(message.snapshot_end());
    case V1::kCheckpoint:
      return plain(message.checkpoint(), lists);
    case V1::kLag:
      return plain(message.lag(), lists);
    case V1::kGoAway:
      return plain(message.go_away());
    case V1::kError:
      return plain(message.error());
    case V1::kChanged:
      return Changed{.id = message.changed().id(), .subscription = message.changed().subscription()};
    case V1::kRefreshed:
      return Refreshed{.id = message.refreshed().id(), .token_expires_us = message.refreshed().token_expires_us()};
    case V1::kMessage:
    case V1::EVENT_NOT_SET:
      break;
  }
  assert(false && "read by hand");
  std::unreachable();
}

void fill(const Event& event, v1::ServerMessage& message) {
  std::visit([&](const auto& one) { fill_one(one, message); }, event);
}

}  // namespace ringcast::proto
