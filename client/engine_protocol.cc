// What is said on an open connection: greeting, publishes and their answers, subscriptions and their messages.
#include <algorithm>
#include <cassert>
#include <utility>
#include <variant>

#include "client/engine.h"
#include "proto/headers.h"

namespace ringcast::client {
namespace {

constexpr std::uint64_t kHelloId = 1;
constexpr std::string_view kCreditFeature = "credit";
constexpr std::string_view kCheckpointsFeature = "checkpoints";

std::uint64_t publish_id(std::uint64_t seq) {
  return 2 * seq;
}

// What is said of a publish that the broker refused or could not place.
PublishResult refusal(const proto::Error& error) {
  return {.status = error.code == proto::ErrorCode::too_old ? PublishStatus::unknown : PublishStatus::refused,
          .code = static_cast<ErrorCode>(error.code),
          .text = std::string(error.text),
          .field = std::string(error.field)};
}

std::string text_of(const proto::Error& error) {
  std::string text = "the broker says " + std::string(proto::name(error.code));
  if (!error.text.empty()) (text += ": ") += error.text;
  if (!error.field.empty()) ((text += " (") += error.field) += ')';
  return text;
}

// By name, or by number where the broker does not know the field.
bool speaks_of_resuming(const proto::Error& error) {
  constexpr std::string_view kFields[] = {"subscribe.start", "subscribe.resume_token", "subscribe.received",
                                          "subscribe.10", "subscribe.11"};
  return std::ranges::find(kFields, error.field) != std::end(kFields) || error.field.starts_with("subscribe.received[");
}

}  // namespace

// ---- greeting ----

void Engine::greet() {
  const std::string_view features[] = {kCreditFeature, kCheckpointsFeature};
  request(proto::Hello{
      .id = kHelloId, .client = options_.client.name, .features = features, .producer_id = status_.producer_id});
}

void Engine::on(const proto::Welcome& welcome, std::int64_t now_ms) {
  if (phase_ != Phase::greeting) return;
  last_epoch_ = std::exchange(status_.epoch, std::string(welcome.epoch));
  status_.epoch_changed = !last_epoch_.empty() && last_epoch_ != status_.epoch;
  status_.producer_id = welcome.producer_id;
  status_.producer_resumed = welcome.producer_resumed;
  if (!welcome.producer_resumed) {
    window_.forget(status_.epoch_changed ? Window::Epoch::changed : Window::Epoch::same);
  }
  limits_ = welcome.limits;
  credit_ = welcome.credit;
  credited_ = std::ranges::find(welcome.features, kCreditFeature) != welcome.features.end();
  ready(now_ms);
}

void Engine::ready(std::int64_t now_ms) {
  phase_ = Phase::ready;
  was_ready_ = true;
  ready_ms_ = now_ms;
  failures_ = 0;
  ++counters_.connections;
  sent_messages_ = sent_bytes_ = awaited_ = 0;
  pinged_ms_.reset();
  set_state(State::connected);
  subscriptions_.begin(status_.epoch);
  subscriptions_.each([this](Subscriptions::Entry& entry) { begin(entry); });
}

// ---- publishing ----

void Engine::publish(Outgoing message) {
  ++counters_.published;
  window_.push(std::move(message));
  if (!stopped()) return;
  const std::string why = status_.error ? status_.error->text : "the client was closed";
  answer(window_.first_seq(), {.status = PublishStatus::not_sent, .text = why});
}

void Engine::gather() {
  if (phase_ != Phase::ready || draining_) return;
  const std::uint64_t span =
      limits_.producer_window > 0 ? std::min(limits_.producer_window, kUnackedMessagesMax) : kUnackedMessagesMax;
  while (stream_->output().size() < kGatherMax) {
    const auto seq = window_.next_to_send(span);
    if (!seq) return;
    Window::Entry& entry = *window_.find(*seq);
    if (!may_send(entry.message)) return;
    if (raw()) {
      send_raw(entry);
    } else {
      send(*seq, entry);
    }
  }
}

// Credit is an absolute total. With nothing on the way no more will come: then one message goes in any case.
bool Engine::may_send(const Outgoing& message) const noexcept {
  if (!credited_ || awaited_ == 0) return true;
  return sent_messages_ < credit_.messages && sent_bytes_ + message.payload.size() <= credit_.bytes;
}

void Engine::send_raw(Window::Entry& entry) {
  const MessageKind kind = entry.message.format == Format::binary ? MessageKind::binary : MessageKind::text;
  stream_->send(kind, frame::as_bytes(entry.message.payload));
  entry.sent_end = written_ + stream_->output().size();
  entry.state = Window::Entry::State::sent;
}

void Engine::send(std::uint64_t seq, Window::Entry& entry) {
  const Outgoing& message = entry.message;
  const frame::Bytes payload = frame::as_bytes(message.payload);
  proto::ProtoForm::write(proto::Publish{.id = publish_id(seq),
                                         .topic = message.topic,
                                         .op = static_cast<proto::Op>(message.op),
                                         .format = static_cast<proto::Format>(message.format),
                                         .content_type = message.content_type,
                                         .headers = message.headers,
                                         .payload = payload,
                                         .producer_seq = seq},
                          scratch_);
  if (limits_.message_bytes > 0 && scratch_.size() > limits_.message_bytes) {
    // Sent, it would cost the connection (1009), and again each time that it is sent again.
    return answer(seq, {.status = PublishStatus::refused,
                        .code = ErrorCode::too_large,
                        .text = "it has " + std::to_string(scratch_.size()) +
                                " bytes with its topic; the broker takes " + std::to_string(limits_.message_bytes),
                        .field = "publish.payload"});
  }
  stream_->send(MessageKind::binary, scratch_);
  entry.state = Window::Entry::State::sent;
  ++awaited_;
  ++sent_messages_;
  sent_bytes_ += payload.size();
  if (entry.in_doubt) ++counters_.resent;
}

void Engine::answer(std::uint64_t seq, PublishResult result) {
  Window::Entry entry = window_.take(seq);
  if (entry.state == Window::Entry::State::sent && awaited_ > 0) --awaited_;
  result.epoch = status_.epoch;
  result.producer_seq = seq;
  result.maybe_twice = entry.maybe_twice;
  result.epoch_changed = entry.epoch_changed;
  options_.hooks.answered(std::move(entry.message), result);
  ++counters_.answered;
}

void Engine::on(const proto::Ack& ack, std::int64_t /*now_ms*/) {
  const std::uint64_t seq = ack.id / 2;
  if (ack.id % 2 != 0 || window_.find(seq) == nullptr) return;
  answer(seq, {.status = ack.duplicate ? PublishStatus::duplicate : PublishStatus::sequenced,
               .seq = ack.seq,
               .origin = ack.origin,
               .position = ack.position,
               .time_us = ack.time_us});
}

void Engine::on(const proto::Credit& credit, std::int64_t /*now_ms*/) {
  credit_ = credit;
}

void Engine::on(const proto::GoAway& away, std::int64_t now_ms) {
  const double within_ms = options_.uniform() * static_cast<double>(away.reconnect_within_ms);
  back_ms_ = now_ms + away.reconnect_after_ms + static_cast<std::int64_t>(within_ms);
  gone_ms_ = now_ms + away.deadline_ms + kGoneMs;
  if (phase_ != Phase::ready || draining_) return;
  draining_ = true;
  set_state(State::draining);
}

void Engine::refuse_publish(const proto::Error& error) {
  const std::uint64_t seq = error.id / 2;
  Window::Entry* const entry = window_.find(seq);
  if (entry == nullptr || entry->state != Window::Entry::State::sent) return;
  if (error.code != proto::ErrorCode::draining) return answer(seq, refusal(error));
  // Certainly not published: it goes first on the next connection.
  window_.put_back(seq);
  --awaited_;
  if (std::exchange(draining_, true)) return;
  set_state(State::draining);
}

// ---- subscribing ----

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

void Engine::request(const proto::Request& request) {
  proto::ProtoForm::write(request, scratch_);
  stream_->send(MessageKind::binary, scratch_);
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

// ---- everything else that the broker says ----

void Engine::take(frame::Bytes bytes, std::int64_t now_ms) {
  const auto event = form_.read_event(bytes);
  if (event) {
    std::visit([&](const auto& what) { on(what, now_ms); }, *event);
  } else if (event.error().code != proto::ErrorCode::unknown_field) {  // a later broker's event is none of our business
    lose({.failure = Failure::protocol, .text = "the broker's message is broken: " + event.error().text, .remedy = {}},
         now_ms);
  }
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

void Engine::on(const proto::Error& error, std::int64_t now_ms) {
  if (error.id != 0 && error.id % 2 == 0) return refuse_publish(error);
  if (phase_ == Phase::greeting && error.id == kHelloId) {
    const bool later = error.code == proto::ErrorCode::too_many_producers || error.code == proto::ErrorCode::draining;
    return lose({.failure = Failure::refused, .text = text_of(error), .remedy = {}},
                later ? Next::back_off : Next::stop, now_ms);
  }
  Subscriptions::Entry* const entry = subscriptions_.find(error.id);
  if (entry == nullptr || entry->state != Subscriptions::Entry::State::requested) {
    if (error.code != proto::ErrorCode::unknown_subscription)
      options_.hooks.error({.text = text_of(error), .remedy = {}});
    return;
  }
  refuse_subscription(*entry, error);
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
