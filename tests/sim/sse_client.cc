#include "tests/sim/sse_client.h"

#include <utility>

#include "broker/checkpoint.h"
#include "frame/bytes.h"
#include "frame/url.h"
#include "proto/json_form.h"

namespace ringcast::sim {

namespace {

std::string request_of(const SseClient::Options& options) {
  const SubscriberModel::Ask& ask = options.ask;
  std::string request = "GET /topics/" + frame::encode_path(ask.filter) + "?format=json";
  if (ask.start == proto::Start::last_values) request += "&last=1";
  if (ask.pace.is_latest()) request += "&delivery=latest";
  if (ask.pace.rate_hz > 0) request += "&rate=" + std::to_string(static_cast<int>(ask.pace.rate_hz));
  request += " HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n";
  if (ask.since) request += "Last-Event-ID: " + ask.since->token + "\r\n";
  return request + "\r\n";
}

}  // namespace

SseClient::SseClient(const World& world, std::uint32_t id, int listener, const Options& options)
    : Client(world, id, listener), options_(options), subscriber_(SubscriberModel::world_of(world), id) {
  subscriber_.asked(options_.ask);
  if (traces()) trace(">", request_of(options_));
  write(request_of(options_));
}

std::string SseClient::name() const {
  return "stream " + std::to_string(id()) + " (" + options_.ask.filter + ")";
}

void SseClient::received(std::span<std::uint8_t> bytes) {
  std::span<const std::uint8_t> rest = bytes;
  while (!rest.empty() && !ended_) rest = rest.subspan(read_some(rest));
}

std::size_t SseClient::read_some(std::span<const std::uint8_t> bytes) {
  if (!body_) {
    const frame::ResponseParser::Step step = response_.next(bytes);
    expect(step.kind != frame::ResponseParser::Step::Kind::failed, "an answer is not HTTP");
    if (step.kind != frame::ResponseParser::Step::Kind::done) return step.consumed;
    status_ = response_.response().status;
    open_ = status_ == 200;
    body_.emplace(response_.response().framing, std::uint64_t{1} << 30);
    if (open_) {
      subscriber_.subscribed({.id = 0, .filter = options_.ask.filter});
      complete_ = options_.ask.start == proto::Start::now;
    }
    return step.consumed;
  }
  const frame::BodyReader::Step step = body_->next(bytes);
  expect(step.kind != frame::BodyReader::Step::Kind::failed, "a stream's body is broken");
  if (step.kind == frame::BodyReader::Step::Kind::data) text_ += frame::as_text(step.data);
  if (open_) read_blocks();
  if (body_->next({}).kind == frame::BodyReader::Step::Kind::done) {
    ended_ = true;
    finish();
  }
  return step.consumed;
}

void SseClient::read_blocks() {
  for (std::size_t end = text_.find("\n\n"); end != std::string::npos; end = text_.find("\n\n")) {
    const std::string whole = text_.substr(0, end + 1);
    text_.erase(0, end + 2);
    block(whole);
  }
}

// Each line is field: value, or a comment.
void SseClient::block(std::string_view text) {
  std::string_view kind;
  std::string_view data;
  std::string_view token;
  if (traces()) trace("<", text);
  const bool told_when = std::exchange(told_when_, text.starts_with("retry: "));
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    if (line.starts_with("event: ")) kind = line.substr(7);
    if (line.starts_with("data: ")) data = line.substr(6);
    if (line.starts_with("id: ")) token = line.substr(4);
  }
  if (!token.empty()) return id_came(token);
  expect(kind != "go_away" || told_when, [&] { return name() + " was not told when to come back"; });
  if (!kind.empty()) return event(kind, data);
  if (data.empty()) return;  // a comment, or when to come back
  static proto::JsonForm form;
  const auto read = form.read_event(frame::as_bytes(data));
  expect(read.has_value() && std::holds_alternative<proto::Message>(*read),
         [&] { return name() + " cannot read " + std::string(data.substr(0, 200)); });
  ++heard_;
  const auto& message = std::get<proto::Message>(*read);
  // Of what comes from another epoch nothing says where it ends but what follows.
  if (told_ && !complete_ && options_.ask.replays() && message.mark == proto::Mark::live) complete_gap();
  subscriber_.message(message);
}

void SseClient::event(std::string_view kind, std::string_view data) {
  expect(farewell_.empty(), [&] { return name() + " got something after its end"; });
  if (kind == "recovered") return complete(proto::Resumed::recovered);
  if (kind == "conflated") return complete(proto::Resumed::conflated);
  if (kind == "gap") return complete(proto::Resumed::gap);
  expect(kind == "lag" || kind == "go_away", [&] { return name() + " got " + std::string(kind); });
  farewell_ = std::string(kind) + " " + std::string(data);
}

void SseClient::complete(proto::Resumed resumed) {
  expect(options_.ask.is_since(), [&] { return name() + " is told what became of what it did not miss"; });
  expect(!complete_, [&] { return name() + " is told twice what became of what it missed"; });
  if (options_.ask.since->epoch != world_.epoch) {  // told at once; behind it comes all that there is
    expect(resumed == proto::Resumed::gap && !told_, [&] { return name() + " comes from another epoch"; });
    expect(heard_ == 0, [&] { return name() + " got messages before it was told of another epoch"; });
    told_ = true;
    return;
  }
  complete_ = true;
  subscriber_.snapshot_end({.subscription = 0, .resumed = resumed});
}

void SseClient::complete_gap() {
  complete_ = true;
  subscriber_.snapshot_end({.subscription = 0, .resumed = proto::Resumed::gap});
}

// What comes after it does not belong to the beginning.
void SseClient::id_came(std::string_view token) {
  expect(complete_ || told_ || !options_.ask.is_since(),
         [&] { return name() + " got an id before it was told the outcome"; });
  if (!complete_ && told_) complete_gap();
  if (!complete_) subscriber_.snapshot_end({.subscription = 0});
  complete_ = true;
  constexpr std::uint64_t kSubscription = 0;
  subscriber_.checkpoint({.subscriptions = std::span(&kSubscription, 1), .epoch = {}, .token = token});
}

void SseClient::check_rest(bool ticked) {
  // Of another epoch nothing ends the beginning but an id, which comes when nothing is owed.
  if (!complete_ && told_ && !ticked) return;
  if (!complete_) {
    expect(!options_.ask.is_since(), [&] { return name() + " is not told what became of what it missed"; });
    subscriber_.snapshot_end({.subscription = 0});
    complete_ = true;
  }
  subscriber_.check_rest(ticked);
}

}  // namespace ringcast::sim
