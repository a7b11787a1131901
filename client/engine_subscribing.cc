// What is said of subscriptions on an open connection: requests and answers, messages, checkpoints and lag.
#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "client/engine.h"
#include "proto/headers.h"

namespace ringcast::client {
namespace {

// By name, or by number where the broker does not know the field.
bool speaks_of_resuming(const proto::Error& error) {
  constexpr std::string_view kFields[] = {"subscribe.start", "subscribe.resume_token", "subscribe.received",
                                          "subscribe.10", "subscribe.11"};
  return std::ranges::find(kFields, error.field) != std::end(kFields) || error.field.starts_with("subscribe.received[");
}

}  // namespace

void Engine::subscribe(NewSubscription what) {
  Subscriptions::Entry& entry = subscriptions_.add(std::move(what));
  if (phase_ != Phase::ready) return;
  entry.resume.begin(status_.epoch);
  begin(entry);
}

// On this connection: where it was, if there is a token that says where, else as its options say.
void Engine::begin(Subscriptions::Entry& entry) {
  if (entry.was_live && !entry.resume.has_token()) tell_gap(entry);
  if (raw()) return confirm(entry);
  entry.resuming = entry.resume.has_token();
  entry.tells_gap = entry.resuming;
  if (entry.resume.foreign()) tell_gap(entry);
  request(entry);
}

void Engine::unsubscribe(std::uint64_t id) {
  const Subscriptions::Entry* const entry = subscriptions_.find(id);
  if (entry == nullptr) return;
  const bool known = entry->state != Subscriptions::Entry::State::wanted;
  subscriptions_.remove(id);
  if (known && !raw() && phase_ == Phase::ready) request(proto::Unsubscribe{.id = id, .subscription = id});
}

void Engine::request(Subscriptions::Entry& entry) {
  const SubscribeOptions& options = entry.what.options;
  entry.state = Subscriptions::Entry::State::requested;
  // A token of an earlier run that the broker gave way to a newer one, which it then did not take: that gap was told.
  const Start start = options.start == Start::resume ? Start::now : options.start;
  proto::Subscribe subscribe{.id = entry.what.id,
                             .filter = entry.what.filter,
                             .start = static_cast<proto::Start>(start),
                             .last_count = options.start == Start::last_n ? options.last_count : 0,
                             .echo = options.echo ? std::nullopt : std::optional(false),
                             .max_rate_hz = options.max_rate_hz};
  // What is the default is not said: an older broker may not know it.
  if (options.delivery != Delivery::every) subscribe.delivery = static_cast<proto::Delivery>(options.delivery);
  if (options.on_lag != OnLag::degrade) subscribe.on_lag = static_cast<proto::OnLag>(options.on_lag);
  if (options.start == Start::since_time) subscribe.since_us = options.since_us;
  if (entry.resuming) {
    const ResumePoint& point = entry.resume.point();
    subscribe.start = proto::Start::resume;
    subscribe.last_count = 0;
    subscribe.since_us = 0;
    subscribe.resume_token = point.token;
    received_.clear();
    for (const OriginPosition& of : point.received) received_.push_back({.origin = of.origin, .position = of.position});
    if (options.delivery == Delivery::every) subscribe.received = received_;
  }
  request(subscribe);
}

void Engine::tell(Subscriptions::Entry& entry, SubscriptionEvent::Kind kind) {
  subscriptions_.tell(entry, {.kind = kind, .epoch = status_.epoch});
}

void Engine::tell_gap(Subscriptions::Entry& entry) {
  entry.tells_gap = false;
  const std::string& of_connection = entry.was_live ? last_epoch_ : status_.epoch;
  subscriptions_.tell(entry, {.kind = SubscriptionEvent::Kind::gap,
                              .epoch = status_.epoch,
                              .last_epoch = entry.resuming ? entry.resume.point().epoch : of_connection,
                              .last_seq = entry.last_seq,
                              .last_time_us = entry.last_time_us});
}

// A broker that says nothing of it, or what we do not know, has not recovered anything.
void Engine::tell_resumed(Subscriptions::Entry& entry, proto::Resumed resumed) {
  entry.resuming = false;
  entry.was_live = false;
  if (resumed == proto::Resumed::recovered) return tell(entry, SubscriptionEvent::Kind::recovered);
  if (resumed == proto::Resumed::conflated) return tell(entry, SubscriptionEvent::Kind::conflated);
  if (entry.tells_gap) tell_gap(entry);
}

void Engine::confirm(Subscriptions::Entry& entry) {
  subscriptions_.confirm(entry);
  entry.was_live = false;  // told by now, however often the connection broke before this
  tell(entry, SubscriptionEvent::Kind::subscribed);
  if (entry.resume.lagging()) tell(entry, SubscriptionEvent::Kind::lag);  // the connection does already
}

void Engine::on(const proto::Subscribed& subscribed, std::int64_t /*now_ms*/) {
  Subscriptions::Entry* const entry = subscriptions_.find(subscribed.id);
  if (entry != nullptr && entry->state == Subscriptions::Entry::State::requested) confirm(*entry);
}

void Engine::on(const proto::Unsubscribed& /*unsubscribed*/, std::int64_t /*now_ms*/) {}

void Engine::on(const proto::Changed& /*changed*/, std::int64_t /*now_ms*/) {}

void Engine::on(const proto::Refreshed& /*refreshed*/, std::int64_t /*now_ms*/) {}

void Engine::on(const proto::SnapshotEnd& end, std::int64_t /*now_ms*/) {
  Subscriptions::Entry* const entry = subscriptions_.find(end.subscription);
  if (entry == nullptr) return;
  // A gap in what it asked for at first: history did not reach back so far, or went on faster than this was sent.
  const bool lacks = !entry->resuming && end.resumed == proto::Resumed::gap;
  if (lacks) tell_gap(*entry);
  if (entry->resuming) tell_resumed(*entry, end.resumed);
  tell(*entry, SubscriptionEvent::Kind::snapshot_end);
}

void Engine::on(const proto::Message& message, std::int64_t /*now_ms*/) {
  ++counters_.received;
  headers_.clear();
  proto::HeaderReader reader(message.headers);
  for (proto::HeaderEntry entry; reader.next(entry);) headers_.push_back({.name = entry.name, .value = entry.value});
  const Message shown{.topic = message.topic,
                      .payload = frame::as_text(message.payload),
                      .op = static_cast<Op>(message.op),
                      .format = static_cast<Format>(message.format),
                      .mark = static_cast<Mark>(message.mark),
                      .content_type = message.content_type,
                      .headers = headers_,
                      .seq = message.seq,
                      .origin = message.origin,
                      .position = message.position,
                      .time_us = message.time_us};
  if (message.mark == proto::Mark::live) {
    subscriptions_.dispatch(shown);
  } else {
    subscriptions_.dispatch(shown, message.subscription);
  }
  counters_.repeats = subscriptions_.repeats();
}

void Engine::take_raw(Format format, frame::Bytes payload) {
  ++counters_.received;
  subscriptions_.dispatch_to_all(
      {.topic = options_.client.raw->filter, .payload = frame::as_text(payload), .format = format});
}

void Engine::on(const proto::Checkpoint& checkpoint, std::int64_t /*now_ms*/) {
  const SubscriptionEvent event{.kind = SubscriptionEvent::Kind::checkpoint,
                                .epoch = std::string(checkpoint.epoch),
                                .token = std::string(checkpoint.token)};
  subscriptions_.checkpoint(event, checkpoint.subscriptions);
}

// It is the connection's, whatever `subscription` says: a live message comes once, for all that match.
void Engine::on(const proto::Lag& lag, std::int64_t /*now_ms*/) {
  SubscriptionEvent event{.kind = SubscriptionEvent::Kind::lag,
                          .epoch = status_.epoch,
                          .merged = lag.merged,
                          .skipped = lag.skipped,
                          .caught_up = lag.caught_up,
                          .more_ranges = lag.more_ranges};
  for (const proto::LagRange& range : lag.ranges) {
    event.ranges.push_back(
        {.topic = std::string(range.topic), .first_seq = range.first_seq, .last_seq = range.last_seq});
  }
  subscriptions_.lag(event);
}

void Engine::refuse_subscription(Subscriptions::Entry& entry, const proto::Error& error) {
  // Its own token, from another run of the program, is the program's mistake; one that we kept is not.
  const bool own = entry.what.options.start == Start::resume && entry.what.options.resume_from == entry.resume.point();
  if (entry.resuming && !own && speaks_of_resuming(error)) {
    entry.resume.drop_token();
    entry.was_live = true;
    return begin(entry);
  }
  subscriptions_.tell(entry, {.kind = SubscriptionEvent::Kind::refused,
                              .epoch = status_.epoch,
                              .code = static_cast<ErrorCode>(error.code),
                              .text = std::string(error.text),
                              .field = std::string(error.field)});
  subscriptions_.remove(entry.what.id);
}

}  // namespace ringcast::client
