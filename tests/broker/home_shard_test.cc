#include "broker/home_shard.h"

#include <doctest/doctest.h>
#include <string>

#include "tests/broker/home_bench.h"

using namespace ringcast;
using namespace ringcast::broker;
using namespace ringcast::broker::test;

TEST_CASE("a pull that finds one slot waits, and asks its reader to wake the home") {
  Bench bench({.deliveries = 2});
  bench.publish(1, "a", "1");
  bench.subscribe(1, "#");
  CHECK_FALSE(bench.take());
  bench.pull(1, "#");
  CHECK_FALSE(bench.take());  // the ring holds the marker: one slot is left, a pull needs two
  CHECK(bench.home().counters().stalls == 1);

  CHECK_FALSE(bench.home().has_requests());
  CHECK_FALSE(bench.home().ask_for_room());
  CHECK(bench.drain(1) == Lines{"marker 1"});
  CHECK(bench.woke());
  CHECK_FALSE(bench.take());
  CHECK(bench.drain(1) == Lines{"snapshot 1", "end"});
}

TEST_CASE("a home that goes frees what its readers have not passed") {
  // A large message is a heap block: the leak checker would report it.
  Bench bench({});
  bench.subscribe(1, "a");
  bench.take();
  bench.publish(0, "a", std::string(10'000, 'x'));
  bench.publish(0, "a", std::string(10'000, 'y'));
  bench.take();
  CHECK(bench.drain(1, 2).size() == 2);
  CHECK(bench.pool(0).live() == 2);
  bench.destroy_home();
  CHECK(bench.pool(0).live() == 0);
}

TEST_CASE("a replay comes in chunks, oldest first, and goes on in the middle of a topic") {
  Bench bench({.deliveries = 4, .config = {.history = 5}});
  for (const char* payload : {"1", "2", "3", "4"}) bench.publish(1, "a", payload);
  bench.publish(1, "b", "5");
  bench.take();
  bench.reclaim_requests();
  bench.replay(1, "#", 3);
  bench.take();
  CHECK(bench.drain(1) == Lines{"snapshot 2", "snapshot 3", "snapshot 4", "more after a"});
  bench.replay(1, "#", 4);
  bench.take();
  CHECK(bench.drain(1) == Lines{"snapshot 1", "snapshot 2", "snapshot 3", "more after a 3"});
  bench.replay(1, "#", 4, "a", 3);
  bench.take();
  CHECK(bench.drain(1) == Lines{"snapshot 4", "snapshot 5", "end"});
  bench.replay(1, "#", 4, "b");
  bench.take();
  CHECK(bench.drain(1) == Lines{"end"});
}

TEST_CASE("a pull of all since a position comes in chunks, in order, and goes on though topics change between") {
  Bench bench({.requests = 32, .deliveries = 4, .config = {.history = 5}});
  for (const char* payload : {"1", "2", "3", "4"}) bench.publish(1, "a", payload);
  bench.publish(1, "b", "5");
  bench.publish(1, "b", "6");
  bench.take();
  for (const char* filter : {"#", "+"}) {
    CAPTURE(filter);
    bench.resume(1, filter, Pull::every_since, 1, false, 6);
    bench.take();
    CHECK(bench.drain(1) == Lines{"snapshot 2", "snapshot 3", "snapshot 4", "more"});
    bench.resume(1, filter, Pull::every_since, 1, true, 6);
    bench.publish(1, "a", "later");
    bench.take();
    CHECK(bench.drain(1) == Lines{"snapshot 5", "snapshot 6", "end"});
  }
}

TEST_CASE("a pull of all since a position goes on in the middle of a topic, and tells when it came too late") {
  for (const int between : {0, 2, 3, 4}) {
    CAPTURE(between);
    Bench bench({.requests = 32, .deliveries = 4, .config = {.history = 4}});
    for (const char* payload : {"1", "2", "3", "4"}) bench.publish(1, "a", payload);
    bench.take();
    bench.resume(1, "a", Pull::every_since, 0, false, 4);
    bench.take();
    CHECK(bench.drain(1) == Lines{"snapshot 1", "snapshot 2", "snapshot 3", "more after a 3"});
    for (int i = 0; i < between; ++i) bench.publish(1, "a", "new");  // the fourth of them evicts what was not said yet
    bench.resume(1, "a", Pull::every_since, 0, true, 4);
    bench.take();
    CHECK(bench.drain(1) == (between < 4 ? Lines{"snapshot 4", "end"} : Lines{"end gap"}));
  }
}

TEST_CASE(
    "a pull of the newest since a position gives each changed topic once, removals too, and says if some are left "
    "out") {
  Bench bench({.requests = 32, .deliveries = 16, .config = {.history = 1}});
  for (const char* topic : {"a", "b", "c"}) bench.publish(1, topic, topic);  // positions 1, 2, 3
  bench.take();
  bench.resume(1, "#", Pull::newest_since, 1);
  bench.take();
  CHECK(bench.drain(1) == Lines{"snapshot b", "snapshot c", "end"});
  bench.publish(1, "b", "b2");
  bench.take();
  bench.resume(1, "#", Pull::newest_since, 1);
  bench.take();
  CHECK(bench.drain(1) == Lines{"snapshot b2", "snapshot c", "end conflated"});
  bench.resume(1, "#", Pull::every_since, 1);
  bench.take();
  CHECK(bench.drain(1) == Lines{"snapshot b2", "snapshot c", "end gap"});
  bench.resume(1, "b", Pull::newest_since, 4);
  bench.take();
  CHECK(bench.drain(1) == Lines{"end"});
  bench.resume(1, "b", Pull::newest_since, 5);  // a position that the home never gave
  bench.take();
  CHECK(bench.drain(1) == Lines{"snapshot b2", "end gap"});
}

TEST_CASE(
    "a value past its ttl is removed: every interested shard gets the REMOVE, sequenced, and who comes back too") {
  Bench bench({.shards = 4, .config = {.history_rules = {{.filter = "t/#", .ttl_ms = 1'000}}}});
  bench.subscribe(1, "t/a");
  bench.subscribe(2, "#");
  bench.subscribe(3, "u");
  bench.take();
  for (const std::uint32_t shard : {1U, 2U, 3U}) CHECK(bench.drain(shard) == Lines{"marker 0"});
  bench.publish(1, "t/a", "1");
  bench.take();
  CHECK(bench.drain(1) == Lines{"message 1"});
  CHECK(bench.drain(2) == Lines{"message 1"});
  CHECK(bench.home().next_deadline() <= bench.now.monotonic + 1'200);
  bench.pass(999);
  bench.take();
  CHECK(bench.drain(1).empty());
  bench.pass(201);
  bench.take();
  CHECK(bench.drain(1) == Lines{"remove 2"});
  CHECK(bench.drain(2) == Lines{"remove 2"});
  CHECK(bench.drain(3).empty());
  CHECK(bench.home().counters().expired_values == 1);
  bench.pull(1, "t/a");
  bench.take();
  CHECK(bench.drain(1) == Lines{"end"});
  bench.resume(1, "#", Pull::newest_since, 1);
  bench.take();
  CHECK(bench.drain(1) == Lines{"snapshot ", "end"});  // the REMOVE
  bench.publish(1, "t/a", "again");
  bench.take();
  CHECK(bench.home().home().last("t/a")->seq == 3);
}

TEST_CASE("a REMOVE for a value past its ttl waits for room, and costs nobody his place") {
  Bench bench({.deliveries = 2, .config = {.history_ttl_ms = 1'000}});
  bench.subscribe(1, "#");
  bench.take();
  bench.drain(1);
  bench.publish(0, "a", "1");
  bench.publish(0, "b", "2");
  bench.take();  // the ring is full
  bench.pass(1'500);
  bench.take();
  CHECK(bench.home().counters().expired_values == 0);
  CHECK(bench.home().home().last("a") != nullptr);
  CHECK(bench.drain(1) == Lines{"message 1", "message 2"});
  CHECK(bench.home().next_deadline() <= bench.now.monotonic + 100);
  bench.pass(100);
  bench.take();
  CHECK(bench.drain(1).size() == 2);
  CHECK(bench.home().counters().expired_values == 2);
}

TEST_CASE("a removed topic gives its place under --max-topics back after --forget-after") {
  Bench bench({.config = {.forget_after_ms = 2'000, .topics_max = 2}});  // one for each of two shards
  bench.publish(1, "a", "1", {.wants_ack = true});
  bench.publish(1, "b", "2", {.wants_ack = true});
  bench.remove(1, "a");
  bench.publish(1, "b", "3", {.wants_ack = true});
  bench.take();
  CHECK(bench.drain(1) ==
        Lines{"ack 1 sequenced", "ack 0 too_many_topics", "ack 2 sequenced", "ack 0 too_many_topics"});
  bench.pass(2'200);
  bench.take();
  bench.publish(1, "b", "4", {.wants_ack = true});
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 3 sequenced"});  // above all that a ever had
  bench.publish(1, "a", "5", {.wants_ack = true});
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 0 too_many_topics"});
}

TEST_CASE(
    "with --max-topic-memory full a publish is refused, one byte less is taken, and a value can still be removed") {
  Bench bench({.requests = 16, .deliveries = 16, .config = {.topic_memory_max_bytes = 2 * 4'096}});  // for two shards
  const auto publish = [&](std::string_view topic, std::size_t size) {
    bench.publish(1, topic, std::string(size, 'x'), {.wants_ack = true});
    bench.take();
    const Lines lines = bench.drain(1);
    bench.reclaim_requests();
    return lines;
  };
  CHECK(publish("a", 2'000) == Lines{"ack 1 sequenced"});
  const std::size_t left = 4'096 - bench.pool(0).counters().live_bytes;
  CHECK(publish("b", left + 1) == Lines{"ack 0 memory_full"});
  CHECK(publish("b", left) == Lines{"ack 1 sequenced"});
  CHECK(publish("c", 1) == Lines{"ack 0 memory_full"});
  CHECK(publish("a", 1) == Lines{"ack 0 memory_full"});
  bench.remove(1, "c");  // no value: nothing would be won
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 0 memory_full"});
  bench.remove(1, "b");
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 2 sequenced"});
  CHECK(publish("c", 1) == Lines{"ack 1 sequenced"});
}
