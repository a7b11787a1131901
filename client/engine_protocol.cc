// What is said on an open connection: greeting, publishes and their answers. Subscriptions are in
// engine_subscribing.cc.
#include <algorithm>
#include <utility>
#include <variant>

#include "client/engine.h"

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

// ---- everything that is said ----

void Engine::request(const proto::Request& request) {
  proto::ProtoForm::write(request, scratch_);
  stream_->send(MessageKind::binary, scratch_);
}

void Engine::take(frame::Bytes bytes, std::int64_t now_ms) {
  const auto event = form_.read_event(bytes);
  if (event) {
    std::visit([&](const auto& what) { on(what, now_ms); }, *event);
  } else if (event.error().code != proto::ErrorCode::unknown_field) {  // a later broker's event is none of our business
    lose({.failure = Failure::protocol, .text = "the broker's message is broken: " + event.error().text, .remedy = {}},
         now_ms);
  }
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

}  // namespace ringcast::client
