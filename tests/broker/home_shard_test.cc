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
