#include "tests/sim/full_client.h"

#include <algorithm>
#include <utility>

#include "frame/bytes.h"
#include "frame/url.h"
#include "proto/close_code.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"

namespace ringcast::sim {

namespace {

using proto::ErrorCode;

// What both forms read with: shared by all clients, as nothing is borrowed from one event to the next.
proto::JsonForm& json_form() {
  static proto::JsonForm form;
  return form;
}
proto::ProtoForm& proto_form() {
  static proto::ProtoForm form;
  return form;
}

std::string target_of(const FullClient::Options& options) {
  if (!options.url) return "/ws";
  std::string target = "/topics/" + frame::encode_path(options.url->filter) + "?";
  if (!options.url->echo) target += "&echo=0";
  if (options.url->start == proto::Start::last_values) target += "&last=1";
  if (options.url->pace.is_latest()) target += "&delivery=latest";
  if (options.url->pace.rate_hz > 0) target += "&rate=" + std::to_string(static_cast<int>(options.url->pace.rate_hz));
  return target;
}

std::string protocol_of(FullClient::Form form) {
  return form == FullClient::Form::json ? "ringcast.v1.json" : "ringcast.v1.proto";
}

template <typename What>
std::string text_of(const What& what) {
  std::vector<std::uint8_t> bytes;
  proto::JsonForm::write(what, bytes);
  return std::string(frame::as_text(bytes));
}

proto::Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

FullClient::FullClient(const World& world, std::uint32_t id, int listener, const Options& options)
    : FramedClient(world, id, listener, target_of(options), protocol_of(options.form)),
      options_(options),
      subscriber_(SubscriberModel::world_of(world), id),
      publisher_(world.ledger, id) {
  if (options_.url) {
    subscriber_.asked(*options_.url);
    at_broker_.push_back(0);
  }
  if (options_.hello) say_hello();
}

std::string FullClient::name() const {
  std::string name = "client " + std::to_string(id()) + " (" + protocol_of(options_.form);
  if (options_.producer != nullptr) name += ", producer " + std::to_string(options_.producer->index);
  return name + ")";
}

void FullClient::ask(const proto::Request& request) {
  std::vector<std::uint8_t> bytes;
  if (options_.form == Form::json) {
    proto::JsonForm::write(request, bytes);
  } else {
    proto::ProtoForm::write(request, bytes);
  }
  asked_ = true;
  if (traces()) trace(">", text_of(request));
  write_message(options_.form == Form::json ? frame::Opcode::text : frame::Opcode::binary, frame::as_text(bytes));
}

void FullClient::message(const frame::Event& event) {
  const bool is_text_frame = event.kind == frame::Event::Kind::text;
  expect(is_text_frame == (options_.form == Form::json), [&] { return name() + " got the wrong kind of frame"; });
  const auto read =
      options_.form == Form::json ? json_form().read_event(event.payload) : proto_form().read_event(event.payload);
  expect(read.has_value(), [&] { return name() + " cannot read what came: " + read.error().text; });
  if (traces()) trace("<", text_of(*read));
  std::visit([&](const auto& what) { on(what); }, *read);
}

void FullClient::expect_error(std::uint64_t id, ErrorCode code, std::optional<std::size_t> publish_bytes) {
  expected_.push_back({.id = id, .code = code, .publish_bytes = publish_bytes});
  if (publish_bytes) publisher_.sent_bad(*publish_bytes);
}

// ---- the opening ----

void FullClient::say_hello() {
  std::vector<std::string_view> features{"telepathy"};
  if (options_.cumulative_acks) features.push_back("cumulative_acks");
  if (options_.credit) features.push_back("credit");
  if (options_.checkpoints) features.push_back("checkpoints");
  hello_id_ = next_id_++;
  Producer* const producer = options_.producer;
  if (producer != nullptr) given_id_ = producer->id;
  if (producer != nullptr && given_id_.empty()) producer->begin_anew();
  ask(proto::Hello{.id = hello_id_, .client = "simulator", .features = features, .producer_id = given_id_});
  publisher_.granted(options_.cumulative_acks);
  if (!given_id_.empty() && options_.pipelines) publish_again();
}

void FullClient::on(const proto::Welcome& welcome) {
  expect(!welcome_ && welcome.id == hello_id_ && hello_id_ != 0, "a welcome to nobody");
  welcome_ = true;
  expect(welcome.epoch == epoch_text(world_.epoch), "another epoch");
  const auto granted = [&](std::string_view feature) {
    return std::ranges::find(welcome.features, feature) != welcome.features.end();
  };
  expect(granted("cumulative_acks") == options_.cumulative_acks, "cumulative acks, against the hello");
  expect(granted("credit") == options_.credit, "credit, against the hello");
  expect(granted("checkpoints") == options_.checkpoints, "checkpoints, against the hello");
  expect(!granted("telepathy"), "a feature that does not exist");
  if (options_.credit) publisher_.credit(welcome.credit);
  Producer* const producer = options_.producer;
  if (producer == nullptr) return;
  const bool same = given_id_ == welcome.producer_id;
  expect(!welcome.producer_resumed || same, "resumed as another producer");
  producer_id_ = welcome.producer_id;
  taken_ = taken_ || same;
  if (producer->client != id()) return;  // he has moved on
  if (same) taken_over_ = world_.positions;
  if (same) producer_key_ = producer->key();
  if (!same) {
    if (!given_id_.empty()) producer->begin_anew();
    producer->id = welcome.producer_id;
    return;
  }
  if (!options_.pipelines) publish_again();
}

// ---- subscriptions ----

void FullClient::subscribe(SubscriberModel::Ask ask_for) {
  if (!free_ids_.empty() && world_.random.percent(40)) {
    ask_for.id = free_ids_.back();
    free_ids_.pop_back();
  } else {
    ask_for.id = next_id_++;
  }
  proto::Subscribe request{.id = ask_for.id,
                           .filter = ask_for.filter,
                           .start = ask_for.start,
                           .last_count = ask_for.last_count,
                           .delivery = ask_for.pace.delivery,
                           .max_rate_hz = ask_for.pace.rate_hz,
                           .on_lag = ask_for.pace.on_lag,
                           .since_us = ask_for.since_us};
  std::vector<proto::OriginPosition> received;
  if (ask_for.since) {
    request.resume_token = ask_for.since->token;
    for (std::uint32_t origin = 0; ask_for.since->received && origin < ask_for.since->received->size(); ++origin) {
      const std::uint64_t position = (*ask_for.since->received)[origin];
      if (position > 0) received.push_back({.origin = origin, .position = position});
    }
    request.received = received;
  }
  if (!ask_for.echo || world_.random.percent(50)) request.echo = ask_for.echo;
  if (at_broker_.size() >= options_.subscriptions_max) {
    expect_error(ask_for.id, ErrorCode::too_many_subscriptions);
  } else {
    at_broker_.push_back(ask_for.id);
    subscriber_.asked(ask_for);
  }
  ask(request);
}

void FullClient::unsubscribe() {
  if (at_broker_.empty()) return;
  const std::size_t at = world_.random.below(at_broker_.size());
  const std::uint64_t id = at_broker_[at];
  at_broker_.erase(at_broker_.begin() + static_cast<std::ptrdiff_t>(at));
  const std::uint64_t request = next_id_++;
  unsubscribes_.emplace(request, id);
  ask(proto::Unsubscribe{.id = request, .subscription = id});
}

// Of one that was asked for earlier, live or not.
void FullClient::change(const SubscriberModel::Pace& pace) {
  if (at_broker_.empty()) return;
  const std::uint64_t id = world_.random.of(at_broker_);
  const std::uint64_t request = next_id_++;
  changes_.emplace(request, id);
  subscriber_.change_asked(id, pace);
  ask(proto::Change{.id = request,
                    .subscription = id,
                    .delivery = pace.delivery,
                    .max_rate_hz = pace.rate_hz,
                    .on_lag = pace.on_lag});
}

void FullClient::on(const proto::Changed& changed) {
  const auto found = changes_.find(changed.id);
  expect(found != changes_.end() && found->second == changed.subscription, "changed, though nobody asked");
  changes_.erase(found);
  subscriber_.changed(changed.subscription);
}

void FullClient::on(const proto::Subscribed& subscribed) {
  subscriber_.subscribed(subscribed);
}

void FullClient::on(const proto::Unsubscribed& unsubscribed) {
  const auto found = unsubscribes_.find(unsubscribed.id);
  expect(found != unsubscribes_.end() && found->second == unsubscribed.subscription,
         "unsubscribed, though nobody asked");
  unsubscribes_.erase(found);
  subscriber_.unsubscribed(unsubscribed.subscription);
  if (unsubscribed.subscription != 0) free_ids_.push_back(unsubscribed.subscription);
}

void FullClient::on(const proto::Message& message) {
  ++heard_;
  subscriber_.message(message);
}

void FullClient::on(const proto::SnapshotEnd& end) {
  subscriber_.snapshot_end(end);
}

void FullClient::on(const proto::Checkpoint& checkpoint) {
  expect(options_.checkpoints, "a checkpoint that nobody wanted");
  expect(checkpoint.epoch == epoch_text(world_.epoch), "a checkpoint of another epoch");
  subscriber_.checkpoint(checkpoint);
}

void FullClient::on(const proto::Lag& lag) {
  subscriber_.lag(lag);
}

void FullClient::on(const proto::GoAway& away) {
  expect(!told_to_go_, [&] { return name() + " was told twice to go"; });
  expect(away.resume && away.reconnect_within_ms > 0, [&] { return name() + " was not told when to come back"; });
  told_to_go_ = true;
}

// ---- what is refused ----

void FullClient::ask_badly() {
  const std::uint64_t request = next_id_++;
  constexpr std::string_view kPayload = "never published";
  const auto publish = [&](std::uint64_t as, std::string_view topic, ErrorCode code) {
    expect_error(as, code, kPayload.size());
    last_publish_id_ = std::max(last_publish_id_, as);
    ask(proto::Publish{.id = as, .topic = topic, .format = proto::Format::text, .payload = bytes_of(kPayload)});
  };
  switch (world_.random.below(9)) {
    case 0:
      expect_error(0, ErrorCode::malformed);
      asked_ = true;
      return options_.form == Form::json ? write_message(frame::Opcode::text, "no json")
                                         : write_message(frame::Opcode::binary, "\xff\xff\xff\xff");
    case 1:
      expect_error(request, ErrorCode::bad_filter);
      return ask(proto::Subscribe{.id = request, .filter = "a/#/b"});
    case 2:
      expect_error(request, ErrorCode::bad_value);
      return ask(proto::Subscribe{.id = request, .filter = "a", .max_rate_hz = 10});  // only with LATEST
    case 3:
      if (at_broker_.empty() || at_broker_.back() == 0) return;
      expect_error(at_broker_.back(), ErrorCode::id_in_use);
      return ask(proto::Subscribe{.id = at_broker_.back(), .filter = "a"});
    case 4:
      expect_error(request, ErrorCode::unknown_subscription);
      return ask(proto::Unsubscribe{.id = request, .subscription = request});
    case 5:
      return publish(request, "a/+", ErrorCode::bad_topic);
    case 6:
      return publish(request, "$broker/x", ErrorCode::forbidden);
    case 7:
      if (last_publish_id_ == 0 || publisher_.waits_for(last_publish_id_)) return;
      return publish(last_publish_id_, "a", ErrorCode::id_not_rising);
    default:
      if (!asked_) return;
      expect_error(request, ErrorCode::hello_too_late);
      return ask(proto::Hello{.id = request});
  }
}

void FullClient::send_wrong_kind() {
  if (said_goodbye()) return;
  expect_close(std::to_underlying(proto::CloseCode::unsupported_data));
  write_frame({.opcode = options_.form == Form::json ? frame::Opcode::binary : frame::Opcode::text}, "{}");
}

void FullClient::on(const proto::Error& error) {
  const auto expected = std::ranges::find_if(
      expected_, [&](const ExpectedError& one) { return one.id == error.id && one.code == error.code; });
  if (expected != expected_.end()) {
    if (expected->publish_bytes) publisher_.refused_bad(*expected->publish_bytes);
    expected_.erase(expected);
    return;
  }
  Refusal refusal{.code = error.code};
  if (auto message = publisher_.refused(error.id)) {
    if (message->producer_seq == 0) refusal.key = message->key;
    if (error.code != ErrorCode::fenced && message->producer_seq != 0) {
      options_.producer->unanswered.erase(message->producer_seq);
    }
  } else if (subscriber_.has(error.id) && error.id != 0) {
    subscriber_.refused(error.id);
  } else if (const auto found = unsubscribes_.find(error.id); found != unsubscribes_.end()) {
    expect(!subscriber_.has(found->second), "a subscription that was accepted is not known");
    unsubscribes_.erase(found);
  } else if (const auto change = changes_.find(error.id); change != changes_.end()) {
    expect(!subscriber_.is_live(change->second), "options of a live subscription cannot be changed");
    subscriber_.change_refused(change->second);
    changes_.erase(change);
  } else {
    expect(error.id == 0, [&] {
      return name() + ": error " + std::string(proto::name(error.code)) + " for " + std::to_string(error.id) +
             ", which waits for no answer";
    });
    if (error.code == ErrorCode::fenced) fenced_ = true;
  }
  refusals_.push_back(refusal);
}

void FullClient::check_rest(bool ticked) {
  const auto answered = [&](bool all, const char* what) {
    expect(all, [&] { return name() + ": " + what + " waits for an answer"; });
  };
  answered(hello_id_ == 0 || welcome_, "hello");
  answered(unsubscribes_.empty(), "unsubscribe");
  answered(changes_.empty(), "change");
  answered(expected_.empty(), "a bad request");
  subscriber_.check_rest(ticked);
  publisher_.check_rest();
}

}  // namespace ringcast::sim
