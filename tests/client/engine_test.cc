#include "client/engine.h"

#include <doctest/doctest.h>

#include "tests/client/engine_rig.h"

using namespace ringcast;
using ringcast::test::EngineRig;
using ringcast::test::FakeBroker;
using ringcast::test::Heard;
using ringcast::test::Strings;

TEST_CASE("Engine greets with its name, asks for credit, and is connected when welcomed") {
  EngineRig rig({.name = "unit/1"});
  FakeBroker& broker = rig.connect();
  CHECK(broker.target == "/ws");
  REQUIRE(broker.heard.size() == 1);
  CHECK(broker.heard[0].kind == "hello");
  CHECK(broker.heard[0].topic == "unit/1");
  CHECK(broker.heard[0].payload.empty());
  CHECK(broker.heard[0].headers == Strings{"credit", "checkpoints"});
  REQUIRE(rig.statuses.size() == 2);
  CHECK(rig.statuses[0].state == State::connecting);
  CHECK(rig.statuses[1].state == State::connected);
  CHECK(rig.statuses[1].epoch == "00000000000000e1");
  CHECK(rig.statuses[1].producer_id == "producer-1");
  CHECK_FALSE(rig.statuses[1].epoch_changed);
}

TEST_CASE("Engine publishes in order with rising numbers, and gives each ack to its publish") {
  EngineRig rig;
  for (const char* payload : {"a", "b", "c"}) rig.publish(payload);
  FakeBroker& broker = rig.connect();
  const std::vector<Heard> publishes = broker.all("publish");
  REQUIRE(publishes.size() == 3);
  for (std::uint64_t i = 0; i < 3; ++i) {
    CHECK(publishes[i].producer_seq == i + 1);
    CHECK(publishes[i].id == 2 * (i + 1));
  }
  broker.ack(6, 30);
  broker.ack(2, 10);
  broker.ack(2, 11);  // not twice
  broker.ack(40, 1);  // never published
  rig.exchange();
  CHECK(rig.summary() == "c:s a:s ");
  const PublishResult& result = rig.results[0].result;
  CHECK(result.seq == 30);
  CHECK(result.origin == 2);
  CHECK(result.position == 130);
  CHECK(result.time_us == 1030);
  CHECK(result.producer_seq == 3);
  CHECK(result.epoch == "00000000000000e1");
  broker.say(proto::Ack{.id = 4, .duplicate = true});
  rig.exchange();
  CHECK(rig.summary() == "c:s a:s b:d ");
}

TEST_CASE("Engine carries every field of a publish and of a message") {
  EngineRig rig;
  std::string encoded;
  proto::append_header({.name = "n", .value = "v"}, encoded);
  client::Outgoing message;
  message.topic = "a/b";
  message.payload = "[1]";
  message.content_type = "application/json";
  message.headers = encoded;
  message.op = Op::event;
  message.format = Format::json;
  rig.engine().publish(std::move(message));
  std::optional<Message> got;
  std::string topic;
  std::string header;
  rig.engine().subscribe({.id = 3,
                          .filter = "#",
                          .options = {.start = Start::last_n, .last_count = 5, .echo = false},
                          .on_message =
                              [&](const Message& shown) {
                                got = shown;
                                topic = shown.topic;
                                header = std::string(shown.headers[0].name) + std::string(shown.headers[0].value);
                                CHECK(shown.content_type == "text/x");
                                CHECK(shown.payload == std::string_view("\0p", 2));
                              },
                          .on_event = {}});
  FakeBroker& broker = rig.connect();
  const Heard publish = broker.all("publish").at(0);
  CHECK(publish.publish.op == proto::Op::event);
  CHECK(publish.publish.format == proto::Format::json);
  CHECK(publish.headers == Strings{"n=v"});
  const Heard subscribe = broker.all("subscribe").at(0);
  CHECK(subscribe.subscribe.start == proto::Start::last_n);
  CHECK(subscribe.subscribe.last_count == 5);
  CHECK(subscribe.subscribe.echo == std::optional(false));
  broker.say(proto::Message{.seq = 7,
                            .topic = "x/y",
                            .op = proto::Op::remove,
                            .format = proto::Format::text,
                            .content_type = "text/x",
                            .headers = encoded,
                            .payload = frame::as_bytes(std::string_view("\0p", 2)),
                            .origin = 3,
                            .position = 8,
                            .time_us = 9,
                            .subscription = 3,
                            .mark = proto::Mark::replay});
  rig.exchange();
  REQUIRE(got);
  CHECK(topic == "x/y");
  CHECK(header == "nv");
  CHECK(got->op == Op::remove);
  CHECK(got->format == Format::text);
  CHECK(got->mark == Mark::replay);
  CHECK(got->seq == 7);
  CHECK(got->origin == 3);
  CHECK(got->position == 8);
  CHECK(got->time_us == 9);
}

TEST_CASE("Engine says and hears the same whole and byte by byte, to both sides") {
  const auto run = [](std::size_t piece) {
    EngineRig rig;
    rig.publish("a");
    rig.subscribe(3, "t/#", {.start = Start::last_values});
    rig.begin({.acks = true});
    rig.exchange(piece);
    rig.broker->say(proto::Message{
        .seq = 1, .topic = "t/1", .payload = frame::as_bytes("old"), .subscription = 3, .mark = proto::Mark::snapshot});
    rig.broker->say(proto::SnapshotEnd{.subscription = 3});
    rig.broker->send(frame::Opcode::ping, "?");
    rig.broker->say(proto::Message{.seq = 2, .topic = "t/1", .payload = frame::as_bytes("new")});
    rig.publish("b");
    rig.exchange(piece);
    rig.broker->close(1012, "restart");
    rig.exchange(piece);
    Strings said = rig.heard;
    said.push_back(rig.summary());
    said.push_back(rig.broker->payloads());
    said.push_back(std::to_string(rig.broker->closed_with));
    for (const Status& status : rig.statuses) said.push_back(std::to_string(static_cast<int>(status.state)));
    return said;
  };
  const Strings whole = run(EngineRig::kWhole);
  CHECK(whole == Strings{"3:subscribed", "3:s t/1=old", "3:snapshot_end", "3:t/1=new", "a:s b:s ", "a b ", "1012", "0",
                         "1", "3"});
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 100U}) CHECK(run(piece) == whole);
}

TEST_CASE("Engine tells every refusal of a publish as what it is, and goes on") {
  for (int number = 1; number <= 21; ++number) {
    const auto code = static_cast<proto::ErrorCode>(number);
    if (code == proto::ErrorCode::draining) continue;  // published later
    EngineRig rig;
    rig.publish("a");
    FakeBroker& broker = rig.connect();
    broker.say(proto::Error{.code = code, .text = "why", .id = 2, .field = "publish.topic"});
    rig.exchange();
    REQUIRE(rig.results.size() == 1);
    const PublishResult& result = rig.results[0].result;
    CHECK(result.status == (code == proto::ErrorCode::too_old ? PublishStatus::unknown : PublishStatus::refused));
    CHECK(static_cast<int>(result.code) == number);
    CHECK(result.text == "why");
    CHECK(result.field == "publish.topic");
    rig.publish("b");
    rig.exchange();
    broker.ack(4, 1);
    rig.exchange();
    CHECK(rig.results.back().result.status == PublishStatus::sequenced);
    CHECK(rig.errors.empty());
  }
}

TEST_CASE("Engine tells errors that belong to no request of its own") {
  EngineRig rig;
  FakeBroker& broker = rig.connect();
  broker.say(proto::Error{.code = proto::ErrorCode::malformed, .text = "what?"});
  broker.say(proto::Error{.code = proto::ErrorCode::malformed, .text = "who?", .id = 77});
  rig.exchange();
  CHECK(rig.errors == Strings{"the broker says malformed: what?", "the broker says malformed: who?"});
}

TEST_CASE("Engine passes over events that it does not know, and leaves a broker whose messages are broken") {
  EngineRig rig;
  FakeBroker& broker = rig.connect();
  broker.send(frame::Opcode::binary, std::string_view("\xa2\x06\x00", 3));  // field 100
  rig.exchange();
  CHECK(rig.engine().attached());
  broker.send(frame::Opcode::binary, "\xff\xff");
  rig.exchange();
  CHECK(rig.statuses.back().state == State::waiting);
}
