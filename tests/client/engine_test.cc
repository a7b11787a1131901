#include "client/engine.h"

#include <doctest/doctest.h>

#include "proto/close_code.h"
#include "tests/client/engine_rig.h"

using namespace ringcast;
using ringcast::test::EngineRig;
using ringcast::test::FakeBroker;
using ringcast::test::Heard;

namespace {

using Strings = std::vector<std::string>;

FakeBroker::Options restarted() {
  return {.epoch = "00000000000000e2", .producer_id = "producer-2"};
}

FakeBroker::Options knows_us() {
  return {.known = {"producer-1"}};
}

// What is left of the window when the test ends has a result: none is forgotten.
void close(EngineRig& rig) {
  rig.engine().close(rig.now_ms, rig.now_ms);
  if (rig.engine().attached()) rig.exchange();
  CHECK(rig.engine().stopped());
}

}  // namespace

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

TEST_CASE("Engine publishes what was not acked again, in order, with the same numbers and identity") {
  EngineRig rig;
  for (const char* payload : {"a", "b", "c", "d"}) rig.publish(payload);
  rig.connect().ack(4, 1);  // b
  rig.from_broker();
  rig.publish("e");  // never sent on this connection
  rig.cut();
  FakeBroker& broker = rig.connect(knows_us());
  CHECK(broker.all("hello").at(0).payload == "producer-1");
  const std::vector<Heard> publishes = broker.all("publish");
  REQUIRE(publishes.size() == 4);
  const std::uint64_t expected[] = {1, 3, 4, 5};
  for (std::size_t i = 0; i < 4; ++i) CHECK(publishes[i].producer_seq == expected[i]);
  CHECK(broker.payloads() == "a c d e ");
  CHECK(rig.engine().counters().resent == 3);
  broker.say(proto::Ack{.id = 2, .duplicate = true});
  for (const std::uint64_t id : {6U, 8U, 10U}) broker.ack(id, id);
  rig.exchange();
  CHECK(rig.summary() == "b:s a:d c:s d:s e:s ");
  CHECK(rig.statuses.back().producer_resumed);
}

TEST_CASE("Engine says what may have been published twice: sent, not answered, and then to a restarted broker") {
  EngineRig rig;
  rig.publish("a");
  rig.connect();
  rig.publish("b");  // not sent before the cut
  rig.cut();
  FakeBroker& broker = rig.connect(restarted());
  CHECK(rig.statuses.back().epoch_changed);
  CHECK_FALSE(rig.statuses.back().producer_resumed);
  CHECK(rig.statuses.back().producer_id == "producer-2");
  CHECK(broker.payloads() == "a b ");
  broker.ack(2, 1);
  broker.ack(4, 2);
  rig.publish("c");
  rig.exchange();
  broker.ack(6, 3);
  rig.exchange();
  CHECK(rig.summary() == "a:s2e b:s c:s ");
  CHECK(rig.results[0].result.epoch == "00000000000000e2");
}

TEST_CASE("Engine tells a broker that forgot the producer from one that was restarted") {
  EngineRig rig;
  rig.publish("a");
  rig.connect();
  rig.cut();
  rig.connect({.producer_id = "producer-9"});  // the same epoch
  CHECK_FALSE(rig.statuses.back().epoch_changed);
  rig.broker->ack(2, 1);
  rig.exchange();
  CHECK(rig.summary() == "a:s2 ");
}

TEST_CASE("Engine keeps a doubt over further connections") {
  EngineRig rig;
  rig.publish("a");
  rig.connect();
  rig.cut();
  rig.begin(restarted());
  rig.to_broker();
  rig.from_broker();
  rig.cut();
  rig.connect({.epoch = "00000000000000e2", .known = {"producer-2"}, .acks = true});
  CHECK(rig.summary() == "a:s2e ");
}

TEST_CASE("Engine keeps for the next connection what a broker refuses because it goes away") {
  EngineRig rig;
  for (const char* payload : {"a", "b"}) rig.publish(payload);
  FakeBroker& first = rig.connect();
  first.say(proto::Error{.code = proto::ErrorCode::draining, .id = 2});
  first.ack(4, 1);
  rig.exchange();
  rig.publish("c");
  rig.exchange();
  CHECK(first.payloads() == "a b ");
  CHECK(rig.statuses.back().state == State::draining);
  first.close(1012, "restart");
  rig.exchange();
  FakeBroker::Options next = restarted();
  next.acks = true;
  CHECK(rig.connect(next).payloads() == "a c ");
  CHECK(rig.summary() == "b:s a:s c:s ");  // and no doubt: a was certainly not published before
}

TEST_CASE("Engine publishes nothing more after GoAway, and takes the acks that still come") {
  EngineRig rig;
  rig.publish("a");
  FakeBroker& broker = rig.connect();
  broker.say(proto::GoAway{.text = "restart", .deadline_ms = 1000});
  rig.exchange();
  rig.publish("b");
  rig.exchange();
  broker.ack(2, 1);
  rig.exchange();
  CHECK(broker.payloads() == "a ");
  CHECK(rig.summary() == "a:s ");
}

TEST_CASE("Engine never sends more than credit allows, in messages") {
  EngineRig rig;
  for (const char* payload : {"a", "b", "c", "d"}) rig.publish(payload);
  FakeBroker& broker = rig.connect({.features = {"credit"}, .credit = {.messages = 2, .bytes = 1000}});
  CHECK(broker.payloads() == "a b ");
  broker.ack(2, 1);
  rig.exchange();
  CHECK(broker.payloads() == "a b ");
  broker.say(proto::Credit{.messages = 3, .bytes = 1000});
  rig.exchange();
  CHECK(broker.payloads() == "a b c ");
}

TEST_CASE("Engine never sends more than credit allows, in bytes, but for one message that is larger than all of it") {
  EngineRig rig;
  for (const char* payload : {"12345", "67890", "x"}) rig.publish(payload);
  FakeBroker& exact = rig.connect({.features = {"credit"}, .credit = {.messages = 100, .bytes = 10}});
  CHECK(exact.payloads() == "12345 67890 ");
  rig.cut();
  FakeBroker& less = rig.connect({.features = {"credit"}, .credit = {.messages = 100, .bytes = 9}});
  CHECK(less.payloads() == "12345 ");
  rig.cut();
  FakeBroker& none = rig.connect({.features = {"credit"}, .credit = {.messages = 100, .bytes = 4}});
  CHECK(none.payloads() == "12345 ");  // with nothing on the way no credit would ever come
  none.ack(2, 1);
  rig.exchange();
  CHECK(none.payloads() == "12345 67890 ");
  rig.cut();
  CHECK(rig.connect({.credit = {}}).payloads() == "67890 x ");  // not granted: no limit
}

TEST_CASE("Engine keeps its producer numbers within the broker's window above the first without an answer") {
  EngineRig rig;
  for (int i = 0; i < 5; ++i) rig.publish(std::to_string(i));
  FakeBroker& broker = rig.connect({.limits = {.producer_window = 3}});
  CHECK(broker.payloads() == "0 1 2 ");
  broker.ack(4, 1);
  broker.ack(6, 1);
  rig.exchange();
  CHECK(broker.payloads() == "0 1 2 ");
  broker.ack(2, 1);
  rig.exchange();
  CHECK(broker.payloads() == "0 1 2 3 4 ");
}

TEST_CASE("Engine refuses a publish above the broker's limit itself, and sends one of exactly the limit") {
  std::vector<std::uint8_t> encoded;
  proto::ProtoForm::write(proto::Publish{.id = 2, .topic = "t", .payload = frame::as_bytes("12345"), .producer_seq = 1},
                          encoded);
  EngineRig rig;
  rig.publish("12345");
  rig.publish("123456");
  rig.publish("x");
  FakeBroker& broker = rig.connect({.limits = {.message_bytes = encoded.size()}});
  CHECK(broker.payloads() == "12345 x ");
  REQUIRE(rig.results.size() == 1);
  CHECK(rig.results[0].result.code == ErrorCode::too_large);
  CHECK(rig.results[0].result.status == PublishStatus::refused);
}

TEST_CASE("Engine waits before each new try: never zero, at random up to a limit that doubles to its most") {
  for (const double uniform : {0.0, 0.5, 0.999}) {
    EngineRig rig({.reconnect = {.floor = std::chrono::milliseconds(50),
                                 .first = std::chrono::milliseconds(200),
                                 .most = std::chrono::milliseconds(1000)}});
    rig.uniform = uniform;
    for (const std::int64_t limit : {200, 400, 800, 1000, 1000}) {
      rig.begin();
      rig.cut();
      REQUIRE(rig.statuses.back().state == State::waiting);
      const std::int64_t expected = 50 + static_cast<std::int64_t>(uniform * static_cast<double>(limit - 50));
      CHECK(rig.statuses.back().retry_in.count() == expected);
      CHECK(rig.engine().next_tick_ms() == rig.now_ms + expected);
      CHECK_FALSE(rig.engine().wants_dial(rig.now_ms + expected - 1));
      CHECK(rig.engine().wants_dial(rig.now_ms + expected));
    }
  }
}

TEST_CASE("Engine begins with short delays again only after a connection that held") {
  EngineRig rig;
  rig.uniform = 0.999999;
  const auto lose_after = [&rig](std::int64_t held_ms) {
    rig.connect();
    rig.now_ms += held_ms;
    rig.cut();
    return rig.statuses.back().retry_in.count();
  };
  CHECK(lose_after(0) == 499);
  CHECK(lose_after(4'999) == 999);
  CHECK(lose_after(5'000) == 499);
}

TEST_CASE("Engine does what the table of close codes says") {
  for (const proto::CloseCodeEntry& entry : proto::close_codes()) {
    CAPTURE(entry.name);
    EngineRig rig;
    rig.uniform = 0.999999;
    rig.publish("a");
    rig.connect().close(static_cast<std::uint16_t>(entry.code), "the reason");
    rig.exchange();
    const Status& status = rig.statuses.back();
    REQUIRE(status.error);
    CHECK(status.error->text.find("the reason") != std::string::npos);
    const bool goes_on = entry.remedy == proto::Remedy::reconnect || entry.remedy == proto::Remedy::back_off;
    CHECK(status.state == (goes_on ? State::waiting : State::closed));
    CHECK(rig.summary() == (goes_on ? "" : "a:u "));
    if (goes_on) CHECK(status.retry_in.count() == (entry.remedy == proto::Remedy::back_off ? 999 : 499));
  }
  EngineRig rig;
  rig.connect().close(4999, "");
  rig.exchange();
  CHECK(rig.statuses.back().state == State::waiting);
}

TEST_CASE("Engine gives up on what the broker refuses at the first try, and is patient later") {
  const std::string refusal = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
  EngineRig rig;
  rig.publish("a");
  rig.connect({.refusal = refusal});
  CHECK(rig.engine().stopped());
  CHECK(rig.statuses.back().error->text == "refused with 404 Not Found: no");
  CHECK(rig.summary() == "a:n ");
  EngineRig later;
  later.connect();
  later.cut();
  later.connect({.refusal = refusal});
  CHECK(later.statuses.back().state == State::waiting);
  EngineRig busy;
  busy.connect({.refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"});
  CHECK(busy.statuses.back().state == State::waiting);
  EngineRig foreign;
  foreign.connect({.protocol = ""});
  CHECK(foreign.engine().stopped());
  CHECK(foreign.statuses.back().error->text == "the server does not speak ringcast.v1.proto");
}

TEST_CASE("Engine gives up after attempts_max failures in a row, and not before") {
  EngineRig rig({.reconnect = {.attempts_max = 2}});
  rig.begin();
  rig.cut();
  rig.connect();  // a success between
  rig.cut();
  rig.begin();
  rig.cut();
  CHECK_FALSE(rig.engine().stopped());
  rig.begin();
  rig.cut();
  CHECK(rig.engine().stopped());
}

TEST_CASE("Engine gives up a try that takes too long, in each of its steps") {
  for (const int step : {0, 1, 2}) {
    CAPTURE(step);
    EngineRig rig({.connect_timeout = std::chrono::milliseconds(700)});
    if (step == 0) rig.engine().dialing(rig.now_ms);
    if (step == 1) rig.begin();
    if (step == 2) rig.connect({.welcomes = false});
    CHECK(rig.engine().next_tick_ms() == rig.now_ms + 700);
    rig.pass(699);
    CHECK(rig.engine().attached());
    rig.pass(1);
    CHECK_FALSE(rig.engine().attached());
    CHECK(rig.statuses.back().state == State::waiting);
  }
}

TEST_CASE("Engine asks a silent broker whether it is there, and leaves one that does not answer") {
  EngineRig rig({.ping_interval = std::chrono::milliseconds(100), .pong_timeout = std::chrono::milliseconds(50)});
  FakeBroker& broker = rig.connect();
  rig.pass(99);
  rig.exchange();
  CHECK(broker.pings == 0);
  rig.pass(1);
  rig.exchange();
  CHECK(broker.pings == 1);
  broker.send(frame::Opcode::pong, "");
  rig.exchange();
  rig.pass(100);
  rig.exchange();
  CHECK(broker.pings == 2);
  rig.pass(49);
  CHECK(rig.engine().attached());
  rig.pass(1);
  CHECK_FALSE(rig.engine().attached());
  CHECK(rig.statuses.back().error->text == "the broker has fallen silent");
}

TEST_CASE("Engine is refused its hello: for good, or for now") {
  EngineRig rig;
  rig.connect({.welcomes = false}).say(proto::Error{.code = proto::ErrorCode::bad_value, .text = "x", .id = 1});
  rig.exchange();
  CHECK(rig.engine().stopped());
  EngineRig later;
  later.connect({.welcomes = false}).say(proto::Error{.code = proto::ErrorCode::too_many_producers, .id = 1});
  later.exchange();
  CHECK(later.statuses.back().state == State::waiting);
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

TEST_CASE("Engine closes when all is answered, and says goodbye") {
  EngineRig rig;
  rig.publish("a");
  FakeBroker& broker = rig.connect();
  rig.engine().close(rig.now_ms + 10'000, rig.now_ms);
  rig.exchange();
  CHECK(rig.engine().attached());
  CHECK(broker.closed_with == 0);
  broker.ack(2, 1);
  rig.from_broker();
  rig.pass(0);
  rig.exchange();
  CHECK(broker.closed_with == 1000);
  CHECK(rig.engine().stopped());
  CHECK(rig.summary() == "a:s ");
  CHECK(rig.statuses.back().state == State::closed);
  CHECK_FALSE(rig.statuses.back().error);
}

TEST_CASE("Engine closes at the deadline at the latest, with an honest result for the rest") {
  EngineRig rig;
  rig.publish("a");
  FakeBroker& broker = rig.connect({.credit = {.messages = 1}});
  broker.say(proto::GoAway{});
  rig.exchange();
  rig.publish("b");  // not sent any more
  rig.engine().close(rig.now_ms + 1000, rig.now_ms);
  rig.pass(999);
  CHECK(rig.results.empty());
  rig.pass(1);
  CHECK(rig.engine().attached());
  rig.pass(client::Engine::kGoodbyeMinMs);  // the broker does not answer
  CHECK(rig.engine().stopped());
  CHECK(rig.summary() == "a:u b:n ");
}

TEST_CASE("Engine can be closed in each state, once") {
  for (const int state : {0, 1, 2, 3, 4, 5}) {
    CAPTURE(state);
    EngineRig rig;
    rig.publish("a");
    if (state == 1) rig.engine().dialing(rig.now_ms);
    if (state == 2) rig.begin();
    if (state == 3) rig.connect({.welcomes = false});
    if (state >= 4) rig.connect();
    if (state == 5) rig.cut();
    close(rig);
    CHECK(rig.summary() == (state >= 4 ? "a:u " : "a:n "));
    rig.publish("late");
    CHECK(rig.results.back().result.status == PublishStatus::not_sent);
    rig.subscribe(3, "x");
    rig.engine().unsubscribe(3);
    close(rig);
    CHECK(rig.engine().next_tick_ms() == client::Engine::kNever);
  }
}

TEST_CASE("Engine goes on trying while it is closing, for as long as it may") {
  EngineRig rig;
  rig.publish("a");
  rig.engine().close(rig.now_ms + 10'000, rig.now_ms);
  rig.begin();
  rig.cut();
  rig.connect({.acks = true});
  rig.pass(0);
  rig.exchange();
  CHECK(rig.engine().stopped());
  CHECK(rig.summary() == "a:s ");
}
