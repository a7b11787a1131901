// A home and publishes that come again: producers' numbers and claims, idempotency keys.
#include <doctest/doctest.h>
#include <cstdint>
#include <string>

#include "tests/broker/home_bench.h"

using namespace ringcast;
using namespace ringcast::broker;
using namespace ringcast::broker::test;

namespace {

// A publish of producer 7 by the connection in this slot.
Request numbered(std::uint64_t seq, std::uint64_t incarnation = 1, std::uint32_t slot = 5) {
  return {.wants_ack = true,
          .slot = {.index = slot, .generation = 1},
          .repeat = topics::ProducerSeq{.id = 7, .incarnation = incarnation, .seq = seq}};
}

Request keyed(std::uint64_t key, std::uint64_t body) {
  return {.wants_ack = true, .repeat = topics::KeyedBody{.key_high = 1, .key_low = key, .body = body}};
}

}  // namespace

TEST_CASE("a producer's repeat is acknowledged as a duplicate and neither sequenced nor delivered") {
  Bench bench({});
  bench.subscribe(1, "a");
  bench.take();
  CHECK(bench.drain(1) == Lines{"marker 0"});
  bench.publish(0, "a", "x", numbered(1));
  bench.publish(0, "a", "x", numbered(1));
  bench.publish(0, "a", "y", numbered(2));
  bench.take();
  CHECK(bench.drain(0) == Lines{"ack 1 sequenced", "ack 0 duplicate", "ack 2 sequenced"});
  CHECK(bench.drain(1) == Lines{"message x", "message y"});
  CHECK(bench.home().counters().published == 2);
  CHECK(bench.home().counters().duplicates == 1);
  CHECK(bench.home().counters().refused == 0);
  CHECK(bench.home().home().position() == 2);
}

TEST_CASE("a repeat that wants no ack gets none, and its message's memory is given back") {
  Bench bench({.shards = 3});
  for (const std::uint32_t from : {2U, 0U, 1U}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{10'000}}) {  // small and large pass in two ways
      Request request = numbered(size == 1 ? 1 : 2);
      request.wants_ack = false;
      bench.publish(from, "a", std::string(size, 'x'), request);
    }
    bench.take();
    CHECK(bench.drain(from).empty());
  }
  CHECK(bench.home().counters().duplicates == 4);
  CHECK(bench.home().counters().published == 2);
  bench.reclaim_requests();
  CHECK(bench.pool(0).live() == 1);  // the last value
  CHECK(bench.pool(1).live() == 0);
  CHECK(bench.pool(2).live() == 0);
}

TEST_CASE("a number below the window, and one of an older incarnation, are refused by name") {
  Bench bench({});
  bench.publish(1, "a", "x", numbered(topics::Producers::kWindow + 1, 2));
  bench.publish(1, "a", "x", numbered(2, 2));
  bench.publish(1, "a", "x", numbered(1, 2));
  bench.publish(1, "a", "x", numbered(topics::Producers::kWindow + 2, 1));
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced", "ack 2 sequenced", "ack 0 too_old", "ack 0 fenced"});
  CHECK(bench.home().counters().refused == 2);
}

TEST_CASE("a new producer beyond max-producers is refused; its claim too") {
  Bench bench({.config = {.producers_max = 1}});
  bench.publish(1, "a", "x", numbered(1));
  Request other = numbered(1);
  other.repeat = topics::ProducerSeq{.id = 8, .incarnation = 1, .seq = 1};
  bench.publish(1, "a", "x", other);
  bench.claim(1, 5, 9, 8);
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced", "ack 0 too_many_producers", "claimed 9 too_many_producers"});
}

TEST_CASE("what was not published is not remembered: its number and its key can come again") {
  Bench bench({.config = {.topics_max = 2}});  // one for each of two shards
  bench.publish(1, "a", "x");
  bench.publish(1, "b", "x", numbered(1));
  bench.publish(1, "b", "x", keyed(1, 1));
  bench.publish(1, "a", "x", numbered(1));
  bench.publish(1, "a", "x", keyed(1, 2));
  bench.take();
  CHECK(bench.drain(1) ==
        Lines{"ack 0 too_many_topics", "ack 0 too_many_topics", "ack 2 sequenced", "ack 3 sequenced"});
}

TEST_CASE("a publish that waits for room is checked again each time and recorded once") {
  Bench bench({.deliveries = 2});
  bench.subscribe(0, "a");
  bench.take();
  bench.publish(1, "a", "x", numbered(1));
  bench.publish(1, "a", "x", keyed(1, 1));
  CHECK_FALSE(bench.take());  // to shard 0 there is one slot: enough for the first alone
  CHECK_FALSE(bench.take());
  CHECK(bench.home().counters().published == 1);
  CHECK(bench.home().counters().stalls == 2);
  CHECK(bench.home().repeats().keys().size() == 0);
  CHECK(bench.drain(0) == Lines{"marker 0", "message x"});
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced"});
  CHECK_FALSE(bench.take());
  CHECK(bench.drain(1) == Lines{"ack 2 sequenced"});
  CHECK(bench.home().counters().published == 2);
  CHECK(bench.home().counters().duplicates == 0);
  CHECK(bench.home().repeats().keys().size() == 1);
}

TEST_CASE("a repeat that finds no room for its ack waits and is counted once") {
  Bench bench({.deliveries = 1});
  bench.publish(1, "a", "x", numbered(1));
  bench.publish(1, "a", "x", numbered(1));
  CHECK_FALSE(bench.take());
  CHECK_FALSE(bench.take());
  CHECK(bench.home().counters().duplicates == 0);
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced"});
  CHECK_FALSE(bench.take());
  CHECK(bench.drain(1) == Lines{"ack 0 duplicate"});
  CHECK(bench.home().counters().duplicates == 1);
}

TEST_CASE("a key's repeat is acknowledged with what the first became; with another body it is refused") {
  Bench bench({});
  bench.publish(1, "b", "x");
  bench.publish(1, "a", "x", keyed(1, 1));
  bench.publish(1, "a", "x", keyed(1, 1));
  bench.publish(1, "a", "z", keyed(1, 2));
  bench.publish(1, "a", "x", keyed(2, 1));
  bench.take();
  const Delivery* delivery = bench.mesh().deliveries(0, 1).front();
  REQUIRE(delivery != nullptr);
  const Delivery first = *delivery;
  CHECK(first.position == 2);
  CHECK(first.time_us == kNow.utc_us);
  bench.mesh().deliveries(0, 1).pop();
  delivery = bench.mesh().deliveries(0, 1).front();
  REQUIRE(delivery != nullptr);
  CHECK(delivery->seq == first.seq);
  CHECK(delivery->position == first.position);
  CHECK(delivery->time_us == first.time_us);
  CHECK(bench.drain(1) == Lines{"ack 1 duplicate", "ack 0 key_reused", "ack 2 sequenced"});
}

TEST_CASE("a repeat that comes after its deadline is still a duplicate: it was published") {
  Bench bench({});
  Request late = keyed(1, 1);
  late.deadline = kNow.monotonic + -1;
  bench.publish(1, "a", "x", keyed(1, 1));
  bench.publish(1, "a", "x", late);
  late.repeat = topics::KeyedBody{.key_low = 9};
  bench.publish(1, "a", "x", late);
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced", "ack 1 duplicate", "ack 0 busy"});
}

TEST_CASE("a claim tells the connection that published before, and refuses what comes of it from then on") {
  Bench bench({.shards = 3});
  bench.publish(1, "a", "x", numbered(1, 1, 5));
  bench.take();
  bench.claim(2, 8, 2);
  bench.take();
  bench.publish(1, "a", "x", numbered(2, 1, 5));
  bench.publish(2, "a", "x", numbered(1, 2, 8));
  bench.publish(2, "a", "x", numbered(2, 2, 8));
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced", "fenced 5.1", "ack 0 fenced"});
  CHECK(bench.drain(2) == Lines{"claimed 2 duplicate", "ack 0 duplicate", "ack 2 sequenced"});
  bench.claim(1, 5, 1);
  bench.take();
  CHECK(bench.drain(1) == Lines{"claimed 1 fenced"});
  CHECK(bench.drain(2).empty());
}

TEST_CASE("a claim waits until there is room for both answers, on two shards or on one") {
  for (const std::uint32_t other : {1U, 2U}) {
    CAPTURE(other);
    Bench bench({.shards = 3, .deliveries = 2});
    bench.claim(other, 5, 1);
    CHECK_FALSE(bench.take());
    bench.claim(1, 8, 2);
    bench.publish(other, "a", "x", numbered(1, 1, 5));
    bench.take();
    if (other == 1) {  // one slot is left on its shard: a claim of which both ends are there needs two
      CHECK(bench.home().counters().stalls == 1);
      CHECK(bench.drain(1) == Lines{"claimed 1 sequenced"});
      bench.take();
      CHECK(bench.drain(1) == Lines{"fenced 5.1", "claimed 2 duplicate"});
      bench.take();
      CHECK(bench.drain(1) == Lines{"ack 0 fenced"});
    } else {
      CHECK(bench.home().counters().stalls == 1);  // the publish behind it
      CHECK(bench.drain(1) == Lines{"claimed 2 duplicate"});
      CHECK(bench.drain(2) == Lines{"claimed 1 sequenced", "fenced 5.1"});
    }
  }
}

TEST_CASE("a claim waits for room on the shard of the one that it fences, which is asked to make room") {
  Bench bench({.shards = 3, .deliveries = 1});
  bench.claim(2, 5, 1);
  bench.take();
  bench.claim(1, 8, 2);
  bench.take();
  CHECK(bench.home().counters().stalls == 1);
  CHECK(bench.drain(1).empty());
  CHECK_FALSE(bench.home().ask_for_room());
  CHECK(bench.drain(2) == Lines{"claimed 1 sequenced"});
  CHECK(bench.woke());
  bench.take();
  CHECK(bench.drain(1) == Lines{"claimed 2 duplicate"});
  CHECK(bench.drain(2) == Lines{"fenced 5.1"});
}
