// An engine that is closed, in each of its states: every publish has its result.
#include <doctest/doctest.h>

#include "tests/client/engine_rig.h"

using namespace ringcast;
using ringcast::test::EngineRig;
using ringcast::test::FakeBroker;

namespace {

// What is left of the window when the test ends has a result: none is forgotten.
void close(EngineRig& rig) {
  rig.engine().close(rig.now_ms, rig.now_ms);
  if (rig.engine().attached()) rig.exchange();
  CHECK(rig.engine().stopped());
}

}  // namespace

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
