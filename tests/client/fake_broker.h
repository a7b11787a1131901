// FakeBroker: the broker's side of one connection of the full protocol over bytes, as tests of the client need it.
//
// It answers by itself what it is told to answer, and says what the test wants it to say.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "frame/handshake.h"
#include "frame/header.h"
#include "frame/http_request.h"
#include "frame/parser.h"
#include "proto/headers.h"
#include "proto/proto_form.h"

namespace ringcast::test {

// A request, with memory of its own.
struct Heard {
  std::string kind;  // "hello", "subscribe", "unsubscribe", "publish"
  std::uint64_t id = 0;
  std::string topic;    // or filter
  std::string payload;  // or producer id of a hello
  std::uint64_t producer_seq = 0;
  proto::Publish publish = {};  // numbers only: its views are gone
  proto::Subscribe subscribe = {};
  std::vector<std::string> headers;  // "name=value", or features of a hello
  std::string token = {};            // of a subscribe that resumes
  std::vector<proto::OriginPosition> received = {};
};

class FakeBroker {
 public:
  struct Options {
    std::string epoch = "00000000000000e1";
    std::string producer_id = "producer-1";  // that it gives
    std::vector<std::string> known;          // producer ids that it resumes
    std::vector<std::string_view> features;  // granted
    proto::Credit credit;
    proto::Limits limits{.message_bytes = 1024 * 1024, .producer_window = 1024};
    bool welcomes = true;
    bool confirms = true;  // subscriptions
    bool acks = false;
    std::string protocol = "ringcast.v1.proto";
    std::string refusal = {};  // the whole HTTP answer instead of the upgrade
  };

  FakeBroker() = default;
  explicit FakeBroker(Options options) : options_(std::move(options)) {}

  // Takes what the client wrote.
  void take(frame::Bytes in) {
    std::vector<std::uint8_t> bytes(in.begin(), in.end());
    std::size_t at = 0;
    while (!upgraded_ && at < bytes.size()) {
      const auto step = request_.next(frame::Bytes(bytes).subspan(at));
      at += step.consumed;
      if (step.kind != frame::RequestParser::Step::Kind::done) return;
      answer_handshake();
    }
    for (;;) {
      const frame::Step step = parser_.next(std::span(bytes).subspan(at));
      at += step.consumed;
      using Kind = frame::Event::Kind;
      if (step.event.kind == Kind::need_more || step.event.kind == Kind::failed) return;
      if (step.event.kind == Kind::ping) ++pings;
      if (step.event.kind == Kind::close) closed_with = step.event.code;
      if (step.event.kind == Kind::close && !closed_) close(step.event.code, "");
      if (step.event.kind == Kind::text) texts.emplace_back(frame::as_text(step.event.payload));
      if (step.event.kind == Kind::binary) hear(step.event.payload);
    }
  }

  [[nodiscard]] std::vector<std::uint8_t> release() { return std::exchange(out_, {}); }

  void say(const proto::Event& event) {
    proto::ProtoForm::write(event, scratch_);
    send(frame::Opcode::binary, {reinterpret_cast<const char*>(scratch_.data()), scratch_.size()});
  }
  void ack(std::uint64_t id, std::uint64_t seq) {
    say(proto::Ack{.id = id, .seq = seq, .origin = 2, .position = seq + 100, .time_us = seq + 1000});
  }
  void close(std::uint16_t code, std::string_view reason) {
    closed_ = true;
    std::string body;
    if (code != frame::kNoStatus) body = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    send(frame::Opcode::close, body.append(reason));
  }
  void send(frame::Opcode opcode, std::string_view payload) {
    std::array<std::uint8_t, frame::kHeaderSizeMax> head;
    const auto size = frame::encode_header({.opcode = opcode, .payload_size = payload.size()}, head);
    out_.insert(out_.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
    out_.insert(out_.end(), payload.begin(), payload.end());
  }

  // The requests of that kind.
  [[nodiscard]] std::vector<Heard> all(std::string_view kind) const {
    std::vector<Heard> found;
    for (const Heard& one : heard) {
      if (one.kind == kind) found.push_back(one);
    }
    return found;
  }
  // The payloads of the publishes, each with a space behind it.
  [[nodiscard]] std::string payloads() const {
    std::string text;
    for (const Heard& one : all("publish")) (text += one.payload) += ' ';
    return text;
  }

  std::vector<Heard> heard;
  std::vector<std::string> texts;  // raw text messages
  std::string target;              // of the request
  int pings = 0;
  std::uint16_t closed_with = 0;  // by the client

 private:
  void answer_handshake() {
    const frame::Request& request = request_.request();
    target = request.target;
    const auto upgrade = frame::check_upgrade(request);
    const std::string answer =
        !options_.refusal.empty() ? options_.refusal
        : upgrade                 ? frame::upgrade_response(*upgrade, {.protocol = options_.protocol, .extensions = {}})
                                  : "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    out_.insert(out_.end(), answer.begin(), answer.end());
    request_.release();
    upgraded_ = true;
  }

  void hear(frame::Bytes payload) {
    const auto request = form_.read_request(payload);
    if (!request) {
      heard.push_back({.kind = "fault", .topic = request.error().text});
    } else {
      std::visit([this](const auto& what) { on(what); }, *request);
    }
  }

  void on(const proto::Hello& hello) {
    heard.push_back({.kind = "hello",
                     .id = hello.id,
                     .topic = std::string(hello.client),
                     .payload = std::string(hello.producer_id),
                     .headers = {hello.features.begin(), hello.features.end()}});
    if (!options_.welcomes) return;
    const bool known = std::ranges::find(options_.known, hello.producer_id) != options_.known.end();
    say(proto::Welcome{.id = hello.id,
                       .epoch = options_.epoch,
                       .features = options_.features,
                       .limits = options_.limits,
                       .ping_interval_ms = 25'000,
                       .producer_id = known ? hello.producer_id : std::string_view(options_.producer_id),
                       .producer_resumed = known,
                       .credit = options_.credit});
  }
  void on(const proto::Subscribe& subscribe) {
    heard.push_back({.kind = "subscribe",
                     .id = subscribe.id,
                     .topic = std::string(subscribe.filter),
                     .subscribe = subscribe,
                     .token = std::string(subscribe.resume_token),
                     .received = {subscribe.received.begin(), subscribe.received.end()}});
    if (options_.confirms) say(proto::Subscribed{.id = subscribe.id, .filter = subscribe.filter});
  }
  void on(const proto::Unsubscribe& unsubscribe) {
    heard.push_back({.kind = "unsubscribe", .id = unsubscribe.subscription});
    say(proto::Unsubscribed{.id = unsubscribe.id, .subscription = unsubscribe.subscription});
  }
  void on(const proto::Publish& publish) {
    heard.push_back({.kind = "publish",
                     .id = publish.id,
                     .topic = std::string(publish.topic),
                     .payload = std::string(frame::as_text(publish.payload)),
                     .producer_seq = publish.producer_seq,
                     .publish = publish});
    proto::HeaderReader headers(publish.headers);
    for (proto::HeaderEntry entry; headers.next(entry);) {
      heard.back().headers.push_back(std::string(entry.name) + '=' + std::string(entry.value));
    }
    if (options_.acks) ack(publish.id, publish.producer_seq);
  }
  void on(const proto::Refresh& refresh) { say(proto::Refreshed{.id = refresh.id}); }
  void on(const proto::Change& change) {
    heard.push_back({.kind = "change", .id = change.subscription});
    say(proto::Changed{.id = change.id, .subscription = change.subscription});
  }
  void on(const proto::PublishBatch& /*batch*/) { heard.push_back({.kind = "publish_batch"}); }

  Options options_;
  frame::RequestParser request_;
  frame::Parser parser_{{.role = frame::Role::server, .message_size_max = 32 << 20}};
  proto::ProtoForm form_;
  std::vector<std::uint8_t> scratch_;
  std::vector<std::uint8_t> out_;
  bool upgraded_ = false;
  bool closed_ = false;
};

}  // namespace ringcast::test
