// A subscription over connections that are lost: what the engine asks for on the next one, and what it says came of it.
#include <doctest/doctest.h>

#include "tests/client/engine_rig.h"

using namespace ringcast;
using ringcast::test::EngineRig;
using ringcast::test::FakeBroker;
using ringcast::test::Heard;
using ringcast::test::Strings;

namespace {

using Received = std::vector<proto::OriginPosition>;

constexpr std::string_view kEpoch = "00000000000000e1";

proto::Message live(std::string_view topic, std::uint64_t seq, std::uint64_t position) {
  return {.seq = seq, .topic = topic, .payload = frame::as_bytes("x"), .origin = 1, .position = position};
}

proto::Message kept(std::uint64_t id, std::string_view topic, std::uint64_t seq, std::uint64_t position,
                    proto::Mark mark = proto::Mark::replay) {
  proto::Message message = live(topic, seq, position);
  message.subscription = id;
  message.mark = mark;
  return message;
}

proto::Checkpoint token(std::string_view token, std::string_view epoch = kEpoch) {
  return {.epoch = epoch, .token = token};
}

// Subscription 3 of "a", live with token "t1" and then a message at position 20.
void be_live(EngineRig& rig, SubscribeOptions options = {}) {
  rig.subscribe(3, "a", options);
  FakeBroker& broker = rig.connect();
  broker.say(token("t1"));
  broker.say(live("a", 7, 20));
  rig.exchange();
  rig.cut();
  rig.heard.clear();
  rig.events.clear();
}

}  // namespace

TEST_CASE("Engine asks for checkpoints") {
  EngineRig rig;
  CHECK(rig.connect().all("hello").at(0).headers == Strings{"credit", "checkpoints"});
}

TEST_CASE("Engine goes on with the last token, and with what came after it") {
  EngineRig rig;
  be_live(rig, {.start = Start::last_n, .last_count = 4});
  FakeBroker& broker = rig.connect();
  const Heard asked = broker.all("subscribe").at(0);
  CHECK(asked.subscribe.start == proto::Start::resume);
  CHECK(asked.subscribe.last_count == 0);
  CHECK(asked.token == "t1");
  CHECK(asked.received == Received{{.origin = 1, .position = 20}});
  CHECK(rig.heard == Strings{"3:subscribed"});  // nobody knows yet whether there is a gap
  broker.say(kept(3, "a", 8, 22));
  broker.say(proto::SnapshotEnd{.subscription = 3, .resumed = proto::Resumed::recovered});
  rig.exchange();
  CHECK(rig.heard == Strings{"3:subscribed", "3:r a=x", "3:recovered", "3:snapshot_end"});
}

TEST_CASE("Engine tells of a gap in what it asked for at first: history overtook it, or did not reach back") {
  for (const Start start : {Start::last_n, Start::since_time}) {
    CAPTURE(static_cast<int>(start));
    EngineRig rig;
    rig.subscribe(3, "a",
                  start == Start::last_n ? SubscribeOptions{.start = start, .last_count = 4}
                                         : SubscribeOptions{.start = start, .since_us = 5});
    FakeBroker& broker = rig.connect();
    broker.say(kept(3, "a", 8, 22));
    broker.say(proto::SnapshotEnd{.subscription = 3, .resumed = proto::Resumed::gap});
    rig.exchange();
    CHECK(rig.heard == Strings{"3:subscribed", "3:r a=x", "3:gap", "3:snapshot_end"});
    const auto gap = std::ranges::find(rig.events, SubscriptionEvent::Kind::gap, &SubscriptionEvent::kind);
    REQUIRE(gap != rig.events.end());
    CHECK(gap->last_epoch == gap->epoch);  // nobody was restarted
  }
}

TEST_CASE("Engine goes on with latest values by the token alone, and tells none twice") {
  EngineRig rig;
  be_live(rig, {.delivery = Delivery::latest, .max_rate_hz = 2});
  FakeBroker& broker = rig.connect();
  const Heard asked = broker.all("subscribe").at(0);
  CHECK(asked.subscribe.delivery == proto::Delivery::latest);
  CHECK(asked.subscribe.max_rate_hz == 2);
  CHECK(asked.received.empty());
  broker.say(kept(3, "a", 7, 20, proto::Mark::snapshot));
  broker.say(kept(3, "a", 9, 25, proto::Mark::snapshot));
  broker.say(proto::SnapshotEnd{.subscription = 3, .resumed = proto::Resumed::conflated});
  rig.exchange();
  CHECK(rig.heard == Strings{"3:subscribed", "3:s a=x", "3:conflated", "3:snapshot_end"});
  CHECK(rig.engine().counters().repeats == 1);
}

TEST_CASE("Engine tells a gap when the broker does, and when it says nothing") {
  for (const proto::Resumed resumed : {proto::Resumed::gap, proto::Resumed::unspecified}) {
    EngineRig rig;
    be_live(rig);
    rig.connect().say(proto::SnapshotEnd{.subscription = 3, .resumed = resumed});
    rig.exchange();
    CHECK(rig.heard == Strings{"3:subscribed", "3:gap", "3:snapshot_end"});
    CHECK(rig.events[1].last_epoch == kEpoch);
    CHECK(rig.events[1].last_seq == 7);
  }
}

TEST_CASE("Engine tells a gap before anything of a broker that was restarted, and once") {
  EngineRig rig;
  be_live(rig);
  FakeBroker& broker = rig.connect({.epoch = "00000000000000e2"});
  CHECK(broker.all("subscribe").at(0).token == "t1");
  broker.say(kept(3, "a", 1, 1));
  broker.say(proto::SnapshotEnd{.subscription = 3, .resumed = proto::Resumed::gap});
  rig.exchange();
  CHECK(rig.heard == Strings{"3:gap", "3:subscribed", "3:r a=x", "3:snapshot_end"});
  CHECK(rig.events[0].last_epoch == kEpoch);
  CHECK(rig.events[0].epoch == "00000000000000e2");
}

TEST_CASE("Engine whose connection breaks while it resumes goes on from there, and tells nothing twice") {
  EngineRig rig;
  be_live(rig);
  rig.connect().say(kept(3, "a", 8, 22));
  rig.exchange();
  rig.cut();
  rig.heard.clear();
  FakeBroker& broker = rig.connect();
  CHECK(broker.all("subscribe").at(0).token == "t1");
  CHECK(broker.all("subscribe").at(0).received == Received{{.origin = 1, .position = 20}});
  broker.say(kept(3, "a", 8, 22));
  broker.say(kept(3, "a", 9, 23));
  broker.say(proto::SnapshotEnd{.subscription = 3, .resumed = proto::Resumed::recovered});
  rig.exchange();
  CHECK(rig.heard == Strings{"3:subscribed", "3:r a=x", "3:recovered", "3:snapshot_end"});
}

TEST_CASE("Engine without a token yet says that there is a gap, and begins as the options say") {
  EngineRig rig;
  rig.subscribe(3, "a", {.start = Start::last_values});
  rig.connect();
  rig.cut();
  rig.heard.clear();
  CHECK(rig.connect().all("subscribe").at(0).subscribe.start == proto::Start::last_values);
  CHECK(rig.heard == Strings{"3:gap", "3:subscribed"});
}

TEST_CASE("Engine takes a checkpoint for the subscriptions that it names, or for all that are live") {
  EngineRig rig;
  rig.hears_checkpoints = true;
  rig.subscribe(3, "a");
  rig.subscribe(5, "b");
  FakeBroker& broker = rig.connect();
  rig.heard.clear();
  const std::uint64_t named[] = {5};
  broker.say(proto::Checkpoint{.subscriptions = named, .epoch = kEpoch, .token = "t1"});
  rig.exchange();
  CHECK(rig.heard == Strings{"5:checkpoint"});
  rig.subscribe(7, "c");
  rig.engine();
  broker.say(token("t2"));
  rig.from_broker();  // 7 is not confirmed yet: the token is older than it
  CHECK(rig.heard == Strings{"5:checkpoint", "3:checkpoint", "5:checkpoint"});
  CHECK(rig.events.back().token == "t2");
}

TEST_CASE("Engine begins where an earlier run of the program ended") {
  EngineRig rig;
  const ResumePoint point{.epoch = std::string(kEpoch), .token = "t0", .received = {{.origin = 4, .position = 9}}};
  rig.subscribe(3, "a", {.start = Start::resume, .resume_from = point});
  FakeBroker& broker = rig.connect();
  const Heard asked = broker.all("subscribe").at(0);
  CHECK(asked.subscribe.start == proto::Start::resume);
  CHECK(asked.token == "t0");
  CHECK(asked.received == Received{{.origin = 4, .position = 9}});
  broker.say(proto::SnapshotEnd{.subscription = 3, .resumed = proto::Resumed::gap});
  rig.exchange();
  CHECK(rig.heard == Strings{"3:subscribed", "3:gap", "3:snapshot_end"});
}

TEST_CASE("Engine tells the program when the broker does not take its token, and helps itself with its own") {
  const proto::Error no{.code = proto::ErrorCode::bad_value, .text = "no", .id = 3, .field = "subscribe.resume_token"};
  EngineRig programs;
  programs.subscribe(3, "a", {.start = Start::resume, .resume_from = {.epoch = "e", .token = "t0"}});
  programs.connect({.confirms = false}).say(no);
  programs.exchange();
  CHECK(programs.heard == Strings{"3:gap", "3:refused"});  // another epoch
  EngineRig own;
  be_live(own, {.start = Start::last_values});
  FakeBroker& broker = own.connect({.confirms = false});
  broker.say(no);
  own.exchange();
  CHECK(own.heard == Strings{"3:gap"});
  CHECK(broker.all("subscribe").size() == 2);
  CHECK(broker.all("subscribe")[1].subscribe.start == proto::Start::last_values);
}

TEST_CASE("Engine takes no positions from a lag, even one without a count, until it has caught up") {
  EngineRig rig;
  rig.subscribe(3, "a");
  FakeBroker& broker = rig.connect();
  broker.say(token("t1"));
  broker.say(live("a", 7, 20));
  broker.say(proto::Lag{});
  broker.say(live("a", 9, 31));  // a newer form; what is before it may come yet
  rig.exchange();
  rig.cut();
  CHECK(rig.connect().all("subscribe").at(0).received == Received{{.origin = 1, .position = 20}});
}

TEST_CASE("Engine tells of lag those that get every message, with its ranges") {
  EngineRig rig;
  rig.subscribe(3, "a");
  rig.subscribe(5, "a", {.delivery = Delivery::latest});
  FakeBroker& broker = rig.connect();
  rig.heard.clear();
  rig.events.clear();
  const proto::LagRange ranges[] = {{.topic = "a", .first_seq = 4, .last_seq = 8}};
  broker.say(proto::Lag{.merged = 5, .ranges = ranges, .more_ranges = true});
  broker.say(proto::Lag{.caught_up = true});
  rig.exchange();
  CHECK(rig.heard == Strings{"3:lag", "3:lag"});
  REQUIRE(rig.events.at(0).ranges.size() == 1);
  CHECK(rig.events[0].merged == 5);
  CHECK(rig.events[0].ranges[0].topic == "a");
  CHECK(rig.events[0].ranges[0].last_seq == 8);
  CHECK(rig.events[0].more_ranges);
  CHECK(rig.events[1].caught_up);
}
