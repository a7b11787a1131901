// An engine whose connection is lost, refused or silent: what it publishes again, when it tries again and gives up.
#include <doctest/doctest.h>

#include "proto/close_code.h"
#include "tests/client/engine_rig.h"

using namespace ringcast;
using ringcast::test::EngineRig;
using ringcast::test::FakeBroker;
using ringcast::test::Heard;

namespace {

FakeBroker::Options restarted() {
  return {.epoch = "00000000000000e2", .producer_id = "producer-2"};
}

FakeBroker::Options knows_us() {
  return {.known = {"producer-1"}};
}

}  // namespace

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

TEST_CASE("Engine comes back in the window that GoAway named, counted from it, and keeps what was not acknowledged") {
  struct Row {
    double uniform;
    std::int64_t held_ms;  // from GoAway to the close
    std::int64_t delay_ms;
  };
  for (const auto& [uniform, held_ms, delay_ms] :
       {Row{0.0, 0, 2'000}, Row{0.5, 0, 2'500}, Row{0.999, 0, 2'999}, Row{0.5, 2'000, 500}, Row{0.5, 2'300, 275},
        Row{0.0, 2'000, 50}, Row{0.0, 5'000, 50}}) {
    CAPTURE(uniform);
    CAPTURE(held_ms);
    EngineRig rig;
    rig.uniform = uniform;
    rig.publish("a");
    FakeBroker& broker = rig.connect();
    broker.say(proto::GoAway{.text = "restart",
                             .deadline_ms = 9'000,
                             .reconnect_after_ms = 2'000,
                             .reconnect_within_ms = 1'000,
                             .resume = true});
    rig.exchange();
    rig.pass(held_ms);
    broker.close(1012, "restart");
    rig.exchange();
    REQUIRE(rig.statuses.back().state == State::waiting);
    CHECK(rig.statuses.back().retry_in.count() == delay_ms);
    CHECK_FALSE(rig.engine().wants_dial(rig.now_ms + delay_ms - 1));
    CHECK(rig.engine().wants_dial(rig.now_ms + delay_ms));
    FakeBroker::Options next = restarted();
    next.acks = true;
    CHECK(rig.connect(next).payloads() == "a ");
    CHECK(rig.summary() == "a:s2e ");
    // The next loss is one like any other.
    rig.cut();
    CHECK(rig.statuses.back().retry_in.count() < 1'000);
  }
}

TEST_CASE("Engine leaves a broker that said it would close, and does not") {
  EngineRig rig;
  FakeBroker& broker = rig.connect();
  broker.say(proto::GoAway{.text = "restart", .deadline_ms = 1'000});
  rig.exchange();
  rig.pass(1'000 + ringcast::client::Engine::kGoneMs - 1);
  CHECK(rig.statuses.back().state == State::draining);
  CHECK(rig.engine().next_tick_ms() == rig.now_ms + 1);
  rig.pass(1);
  CHECK(rig.statuses.back().state == State::waiting);
  CHECK(rig.error().find("restarts") != std::string::npos);
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
    CHECK(rig.error().find("the reason") != std::string::npos);
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
  CHECK(rig.error() == "refused with 404 Not Found: no");
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
  CHECK(foreign.error() == "the server does not speak ringcast.v1.proto");
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
  CHECK(rig.error() == "the broker has fallen silent");
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
