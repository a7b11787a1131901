// How much an engine has on its way: credit, the window of producer numbers, the largest message.
#include <doctest/doctest.h>

#include "tests/client/engine_rig.h"

using namespace ringcast;
using ringcast::test::EngineRig;
using ringcast::test::FakeBroker;

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
