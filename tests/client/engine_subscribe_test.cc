#include <doctest/doctest.h>

#include "tests/client/engine_rig.h"

using namespace ringcast;
using ringcast::test::EngineRig;
using ringcast::test::FakeBroker;
using ringcast::test::Heard;
using ringcast::test::Strings;

namespace {

proto::Message live(std::string_view topic, std::string_view payload, std::uint64_t seq = 1) {
  return {.seq = seq, .topic = topic, .payload = frame::as_bytes(payload), .time_us = seq * 10};
}

proto::Message snapshot(std::uint64_t id, std::string_view topic, std::string_view payload) {
  return {
      .seq = 1, .topic = topic, .payload = frame::as_bytes(payload), .subscription = id, .mark = proto::Mark::snapshot};
}

}  // namespace

TEST_CASE("Engine dispatches a live message to each subscription that matches, and a snapshot to its own") {
  EngineRig rig;
  rig.subscribe(3, "a/#");
  rig.subscribe(5, "a/+");
  rig.subscribe(7, "b");
  FakeBroker& broker = rig.connect();
  CHECK(rig.heard == Strings{"3:subscribed", "5:subscribed", "7:subscribed"});
  rig.heard.clear();
  broker.say(live("a/1", "x"));
  broker.say(live("a/1/2", "y"));
  broker.say(live("c", "z"));
  broker.say(snapshot(5, "a/9", "old"));
  broker.say(snapshot(99, "a/9", "nobody's"));
  broker.say(proto::SnapshotEnd{.subscription = 5});
  rig.exchange();
  std::ranges::sort(rig.heard);
  CHECK(rig.heard == Strings{"3:a/1/2=y", "3:a/1=x", "5:a/1=x", "5:s a/9=old", "5:snapshot_end"});
}

TEST_CASE("Engine dispatches nothing to a subscription before the broker confirmed it") {
  EngineRig rig;
  FakeBroker& broker = rig.connect({.confirms = false});
  rig.subscribe(3, "a");
  rig.exchange();
  CHECK(broker.all("subscribe").size() == 1);
  broker.say(live("a", "before"));
  broker.say(proto::Subscribed{.id = 3, .filter = "a"});
  broker.say(live("a", "after"));
  rig.exchange();
  CHECK(rig.heard == Strings{"3:subscribed", "3:a=after"});
}

TEST_CASE("Engine ends a subscription: silence at once, and the broker is told") {
  EngineRig rig;
  rig.subscribe(3, "a");
  rig.subscribe(5, "a");
  FakeBroker& broker = rig.connect();
  rig.heard.clear();
  rig.engine().unsubscribe(3);
  rig.engine().unsubscribe(3);
  broker.say(live("a", "x"));
  broker.say(snapshot(3, "a", "x"));
  broker.say(proto::Error{.code = proto::ErrorCode::unknown_subscription, .id = 3});
  rig.exchange();
  CHECK(rig.heard == Strings{"5:a=x"});
  CHECK(broker.all("unsubscribe").size() == 1);
  CHECK(rig.errors.empty());
  rig.cut();
  CHECK(rig.connect().all("subscribe").size() == 1);
}

TEST_CASE("Engine tells a refused subscription so, and does not ask again") {
  EngineRig rig;
  rig.subscribe(3, "a/#/b");
  FakeBroker& broker = rig.connect({.confirms = false});
  broker.say(proto::Error{.code = proto::ErrorCode::bad_filter, .text = "no", .id = 3, .field = "subscribe.filter"});
  rig.exchange();
  CHECK(rig.heard == Strings{"3:refused"});
  CHECK(rig.events[0].code == ErrorCode::bad_filter);
  CHECK(rig.events[0].text == "no");
  CHECK(rig.events[0].field == "subscribe.filter");
  rig.cut();
  CHECK(rig.connect().all("subscribe").empty());
}

TEST_CASE("Engine subscribes again on a new connection, and says that there is a gap and from where") {
  EngineRig rig;
  rig.subscribe(3, "a", {.start = Start::last_values});
  rig.subscribe(5, "#");
  rig.connect({.confirms = false});
  rig.broker->say(proto::Subscribed{.id = 3, .filter = "a"});
  rig.broker->say(live("a", "x", 41));
  rig.exchange();
  rig.cut();
  rig.heard.clear();
  rig.events.clear();
  FakeBroker& broker = rig.connect({.epoch = "00000000000000e2"});
  const std::vector<Heard> again = broker.all("subscribe");
  REQUIRE(again.size() == 2);
  CHECK(again[0].topic == "a");
  CHECK(again[0].subscribe.start == proto::Start::last_values);
  CHECK(rig.heard == Strings{"3:gap", "3:subscribed", "5:subscribed"});  // 5 never was live: it missed nothing
  CHECK(rig.events[0].last_epoch == "00000000000000e1");
  CHECK(rig.events[0].epoch == "00000000000000e2");
  CHECK(rig.events[0].last_seq == 41);
  CHECK(rig.events[0].last_time_us == 410);
  rig.cut();
  rig.heard.clear();
  rig.connect({.epoch = "00000000000000e2"});
  CHECK(rig.heard == Strings{"3:gap", "5:gap", "3:subscribed", "5:subscribed"});
  CHECK(rig.events.back().kind == SubscriptionEvent::Kind::subscribed);
}

TEST_CASE("Engine subscribes before it publishes again: a client hears itself") {
  EngineRig rig;
  rig.publish("x");
  rig.subscribe(3, "t");
  FakeBroker& broker = rig.connect();
  REQUIRE(broker.heard.size() == 3);
  CHECK(broker.heard[1].kind == "subscribe");
  CHECK(broker.heard[2].kind == "publish");
}

TEST_CASE("Engine in raw mode: text as text, sent when the socket has all of it, sent again if it had not") {
  ClientOptions options{.raw = RawTopic{.filter = "t"}};
  EngineRig rig(options);
  rig.subscribe(3, "t");
  rig.publish("one");
  rig.publish("two");
  rig.begin({.protocol = "ringcast.v1.raw"});
  rig.exchange(1);
  CHECK(rig.broker->texts.empty());  // the default format of the rig's publishes is binary
  CHECK(rig.broker->all("fault").size() == 2);
  CHECK(rig.summary() == "one:t two:t ");
  rig.broker->send(frame::Opcode::text, "hello");
  rig.exchange();
  CHECK(rig.heard == Strings{"3:subscribed", "3:t=hello"});

  rig.publish("three");
  rig.publish("four");
  rig.engine().gather();
  const std::size_t first = 2 + 4 + 5;  // header, mask, "three"
  rig.engine().written(first + 3);
  CHECK(rig.summary() == "one:t two:t three:t ");
  rig.cut();
  CHECK(rig.engine().output().empty());
  rig.heard.clear();
  rig.connect({.protocol = "ringcast.v1.raw"});
  CHECK(rig.heard == Strings{"3:gap", "3:subscribed"});
  CHECK(rig.broker->all("fault").size() == 1);
  CHECK(rig.summary() == "one:t two:t three:t four:t ");
}
