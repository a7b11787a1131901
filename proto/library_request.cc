#include <cassert>
#include <string>
#include <utility>

#include "proto/library_plain.h"
#include "proto/request_rules.h"
#include "proto/ringcast.pb.h"

namespace ringcast::proto {

namespace {

Hello plain(const v1::Hello& hello, PlainLists& lists) {
  lists.texts.assign(hello.features().begin(), hello.features().end());
  return {.id = hello.id(),
          .client = hello.client(),
          .features = lists.texts,
          .producer_id = hello.producer_id(),
          .token = hello.token()};
}

// The readers have refused numbers that the enums do not have.
Subscribe plain(const v1::Subscribe& subscribe, PlainLists& lists) {
  lists.positions.clear();
  for (const v1::OriginPosition& one : subscribe.received()) lists.positions.push_back({one.origin(), one.position()});
  return {.id = subscribe.id(),
          .filter = subscribe.filter(),
          .start = static_cast<Start>(subscribe.start()),
          .last_count = subscribe.last_count(),
          .echo = subscribe.has_echo() ? std::optional(subscribe.echo()) : std::nullopt,
          .delivery = static_cast<Delivery>(subscribe.delivery()),
          .max_rate_hz = subscribe.max_rate_hz(),
          .on_lag = static_cast<OnLag>(subscribe.on_lag()),
          .since_us = subscribe.since_us(),
          .resume_token = subscribe.resume_token(),
          .received = lists.positions};
}

Unsubscribe plain(const v1::Unsubscribe& unsubscribe) {
  return {.id = unsubscribe.id(), .subscription = unsubscribe.subscription()};
}

Change plain(const v1::Change& change) {
  return {.id = change.id(),
          .subscription = change.subscription(),
          .delivery = static_cast<Delivery>(change.delivery()),
          .max_rate_hz = change.max_rate_hz(),
          .on_lag = static_cast<OnLag>(change.on_lag())};
}

Refresh plain(const v1::Refresh& refresh) {
  return {.id = refresh.id(), .token = refresh.token()};
}

template <class Plain>
std::expected<Request, Fault> checked(const Plain& request) {
  if (auto wrong = check(request)) {
    wrong->id = request.id;
    return std::unexpected(std::move(*wrong));
  }
  return request;
}

void fill_one(const Hello& hello, v1::ClientMessage& message) {
  v1::Hello& to = *message.mutable_hello();
  to.set_id(hello.id);
  to.set_client(std::string(hello.client));
  for (const std::string_view feature : hello.features) to.add_features(std::string(feature));
  to.set_producer_id(std::string(hello.producer_id));
  to.set_token(std::string(hello.token));
}

void fill_one(const Subscribe& subscribe, v1::ClientMessage& message) {
  v1::Subscribe& to = *message.mutable_subscribe();
  to.set_id(subscribe.id);
  to.set_filter(std::string(subscribe.filter));
  to.set_start(static_cast<v1::Start>(subscribe.start));
  to.set_last_count(subscribe.last_count);
  if (subscribe.echo) to.set_echo(*subscribe.echo);
  to.set_delivery(static_cast<v1::Delivery>(subscribe.delivery));
  to.set_max_rate_hz(subscribe.max_rate_hz);
  to.set_on_lag(static_cast<v1::OnLag>(subscribe.on_lag));
  to.set_since_us(subscribe.since_us);
  to.set_resume_token(std::string(subscribe.resume_token));
  for (const OriginPosition& one : subscribe.received) {
    v1::OriginPosition& added = *to.add_received();
    added.set_origin(one.origin);
    added.set_position(one.position);
  }
}

void fill_one(const Unsubscribe& unsubscribe, v1::ClientMessage& message) {
  v1::Unsubscribe& to = *message.mutable_unsubscribe();
  to.set_id(unsubscribe.id);
  to.set_subscription(unsubscribe.subscription);
}

void fill_one(const Change& change, v1::ClientMessage& message) {
  v1::Change& to = *message.mutable_change();
  to.set_id(change.id);
  to.set_subscription(change.subscription);
  to.set_delivery(static_cast<v1::Delivery>(change.delivery));
  to.set_max_rate_hz(change.max_rate_hz);
  to.set_on_lag(static_cast<v1::OnLag>(change.on_lag));
}

void fill_one(const Refresh& refresh, v1::ClientMessage& message) {
  message.mutable_refresh()->set_id(refresh.id);
  message.mutable_refresh()->set_token(std::string(refresh.token));
}

void fill_one(const Publish& /*by hand*/, v1::ClientMessage& /*message*/) {
  assert(false);
}
void fill_one(const PublishBatch& /*by hand*/, v1::ClientMessage& /*message*/) {
  assert(false);
}

}  // namespace

std::expected<Request, Fault> to_plain(const v1::ClientMessage& message, PlainLists& lists) {
  switch (message.request_case()) {
    case v1::ClientMessage::kHello:
      return checked(plain(message.hello(), lists));
    case v1::ClientMessage::kSubscribe:
      return checked(plain(message.subscribe(), lists));
    case v1::ClientMessage::kUnsubscribe:
      return checked(plain(message.unsubscribe()));
    case v1::ClientMessage::kChange:
      return checked(plain(message.change()));
    case v1::ClientMessage::kRefresh:
      return checked(plain(message.refresh()));
    case v1::ClientMessage::kPublish:
    case v1::ClientMessage::kPublishBatch:
    case v1::ClientMessage::REQUEST_NOT_SET:
      break;
  }
  assert(false && "read by hand");
  std::unreachable();
}

void fill(const Request& request, v1::ClientMessage& message) {
  std::visit([&](const auto& one) { fill_one(one, message); }, request);
}

}  // namespace ringcast::proto
