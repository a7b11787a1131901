// In the steady state a publish and a match make no heap allocation: this binary counts every operator new.
#include <doctest/doctest.h>
#include <bit>
#include <new>
#include <string>
#include <vector>

#include "tests/topics/count_allocations.h"
#include "topics/home.h"
#include "topics/idempotency_keys.h"
#include "topics/latest_table.h"
#include "topics/owed_set.h"
#include "topics/producers.h"
#include "topics/subscriptions.h"

using namespace ringcast::topics;
using ringcast::topics::test::allocations;

namespace {

constexpr HashKey kKey{.k0 = 11, .k1 = 12};

std::vector<std::string> topic_names() {
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i)
    names.push_back("ticker/exchange" + std::to_string(i % 7) + "/symbol" + std::to_string(i));
  return names;
}

// Publisher's shard and home of one process, a publish as broker/shard does it.
struct Publishing {
  void publish(std::string_view topic, Op op, std::size_t payload_size) {
    const std::uint64_t hash = hash_name(kKey, topic);
    Message* const request = publisher_pool.make({.topic = topic,
                                                  .topic_hash = hash,
                                                  .content_type = "application/json",
                                                  .payload = {payload.data(), payload_size},
                                                  .op = op});
    REQUIRE(publisher_pool.hand_over(request) == Passing::copied);
    const TopicHandle handle = home.find_or_make(topic, hash).value();
    const ShardSet interested = home.interested(handle);
    Message* const message = home_pool.adopt(request).message;
    REQUIRE(home.sequence(handle, message, ++now_us).interested == interested);
    const auto rings = static_cast<std::uint32_t>(std::popcount(interested));
    home_pool.retain(message, rings);
    publisher_pool.release(request);
    for (std::uint32_t i = 0; i < rings + 1; ++i) home_pool.release(message);  // the rings, the caller
  }

  MessagePool publisher_pool;
  MessagePool home_pool;
  Home home{{.key = kKey, .history_rules = {{"ticker/exchange1/#", 8}, {"ticker/exchange2/#", 0}}}, home_pool};
  std::vector<std::uint8_t> payload = std::vector<std::uint8_t>(kSmallSizeMax, 0x7b);
  std::int64_t now_us = 0;
};

}  // namespace

TEST_CASE("the counter counts") {
  const std::uint64_t before = allocations();
  ::operator delete(::operator new(1));  // not a new-expression, which a compiler may leave out
  CHECK(allocations() == before + 1);
}

TEST_CASE("a publish allocates nothing in the steady state, whatever its op, its size and its history") {
  Publishing p;
  const std::vector<std::string> names = topic_names();
  p.home.announce(0, "ticker/#");
  p.home.announce(1, "ticker/+/symbol3");
  for (const std::string& name : names) p.home.announce(2, name);
  const auto round = [&] {
    std::size_t i = 0;
    for (const std::string& name : names) {
      const Op op = i % 10 == 0 ? Op::event : i % 10 == 1 ? Op::remove : Op::set;
      p.publish(name, op, i * 7 % 3'500);
      ++i;
    }
  };
  for (int i = 0; i < 10; ++i) round();
  const std::uint64_t before = allocations();
  for (int i = 0; i < 5; ++i) round();
  CHECK(allocations() == before);
  CHECK(p.home.announce(5, "+/exchange3/#"));  // the next round matches every topic anew
  const std::uint64_t matches_before = p.home.counters().wildcard_matches;
  const std::uint64_t announced = allocations();
  round();
  CHECK(allocations() == announced);
  CHECK(p.publisher_pool.live() == 0);
  CHECK(p.home.counters().wildcard_matches == matches_before + names.size());
}

TEST_CASE("last value, snapshot and resumption allocate nothing") {
  Publishing p;
  const std::vector<std::string> names = topic_names();
  for (const std::string& name : names) p.publish(name, Op::set, 100);
  const std::uint64_t before = allocations();
  std::uint64_t visited = p.home.last(names[0]) != nullptr ? 1 : 0;
  const auto visit = [&](Message*) {
    ++visited;
    return Visit::go_on;
  };
  std::string_view after;
  for (bool done = false; !done;) {
    const WalkEnd end = p.home.snapshot("ticker/+/#", {.after = after, .position_max = p.home.position()}, visit);
    done = end.done;
    after = end.after;
  }
  const Home::ResumeEnd end =
      p.home.resume("ticker/#", {.position_max = p.home.position(), .count_max = 1'000, .visits_max = 10'000}, visit);
  CHECK(end.done);
  CHECK(allocations() == before);
  CHECK(visited > names.size());
}

TEST_CASE("match and fan-out allocate nothing in the steady state, not even when every topic is matched anew") {
  constexpr std::uint32_t kShards = 4;
  const std::vector<std::string> names = topic_names();
  Subscriptions subscriptions({.shards = kShards, .key = kKey});
  std::uint32_t slot = 0;
  const auto join = [&](std::string_view filter, std::uint8_t encoding) {
    const auto joined = subscriptions.join(filter, {.encoding = encoding}, {.slot = slot++}).value();
    Place place = joined.place;
    for (ShardSet homes = joined.homes; homes != 0;) {
      const Subscriptions::Marked marked = subscriptions.marker(place, take_shard(homes));
      for (const Moved& moved : marked.moves) place = moved.place;
    }
    return place;
  };
  for (const std::string& name : names) {
    join(name, 0);
    join(name, 1);
  }
  join("ticker/#", 0);
  join("ticker/exchange3/+", 1);
  std::uint64_t visited = 0;
  const auto round = [&] {
    for (std::uint32_t i = 0; i < names.size(); ++i) {
      const std::uint64_t hash = hash_name(kKey, names[i]);
      const std::uint32_t origin = owner(hash, kShards);
      for (const GroupId group : subscriptions.match(origin, {.index = i}, names[i], hash)) {
        while (!subscriptions.fan_out(group, origin, 1, [&](Member) { ++visited; }).done) {
        }
      }
    }
  };
  round();
  const Place place = join("#", 2);
  round();
  std::uint64_t before = allocations();
  round();
  CHECK(allocations() == before);
  CHECK(visited > 0);

  subscriptions.leave(place);
  const std::uint64_t matches_before = subscriptions.counters().matches;
  before = allocations();
  round();
  CHECK(allocations() == before);
  CHECK(subscriptions.counters().matches == matches_before + names.size());
}

TEST_CASE("owing topics, taking their values and forgetting them allocates nothing in the steady state") {
  constexpr std::uint32_t kTopics = 500;
  MessagePool pool;
  LatestTable table;
  OwedSet set;
  Message* const message = pool.make({.topic = "ticker/a", .payload = {}});
  std::uint64_t seq = 0;
  const auto round = [&] {
    for (std::uint32_t i = 0; i < 2 * kTopics; ++i) {
      message->seq = ++seq;
      const std::uint32_t entry = table.put(0, {.index = i % kTopics}, *message);
      if (!set.add({.entry = entry, .seq = seq, .position = seq})) table.release(entry);
      if (i % 7 == 0 && set.remove(entry)) table.release(entry);
    }
    while (!set.empty()) table.release(set.pop().entry);
  };
  for (int i = 0; i < 3; ++i) round();
  const std::uint64_t before = allocations();
  for (int i = 0; i < 10; ++i) round();
  CHECK(allocations() == before);
  CHECK(table.empty());
  pool.release(message);
}

TEST_CASE("a publish of a known producer allocates nothing, nor does a new one in the place of one past its time") {
  constexpr std::uint64_t kProducers = 500;
  Producers producers({.producers_max = kProducers, .idle_max_ms = 10});
  std::int64_t now_ms = 0;
  const auto round = [&](std::uint64_t first_id, std::uint64_t seq) {
    for (std::uint64_t id = first_id; id < first_id + kProducers; ++id) {
      const ProducerSeq publish{.id = id, .incarnation = 1, .seq = seq};
      REQUIRE(producers.check(publish, now_ms) == Producers::Verdict::fresh);
      producers.record(publish, {.shard = 1, .slot = 2}, now_ms);
    }
  };
  round(0, 1);
  const std::uint64_t before = allocations();
  for (std::uint64_t seq = 2; seq < 5'000; seq += seq) round(0, seq);
  CHECK(allocations() == before);
  now_ms = 10'000;
  round(kProducers, 1);
  const std::uint64_t free_list_grown = allocations();
  now_ms = 20'000;
  round(0, 1);
  CHECK(allocations() == free_list_grown);
}

TEST_CASE("a key allocates nothing once as many were there as are kept") {
  IdempotencyKeys keys({.keys_max = 500});
  std::uint64_t key = 0;
  const auto round = [&] {
    for (int i = 0; i < 1'000; ++i) {
      const KeyedBody publish{.key_high = 1, .key_low = ++key * 0x9e37'79b9'7f4a'7c15U, .body = 2};
      REQUIRE(keys.check(publish, 0).verdict == IdempotencyKeys::Verdict::fresh);
      keys.record(publish, {.seq = key}, 0);
      REQUIRE(keys.check(publish, 0).first.seq == key);
    }
  };
  round();
  const std::uint64_t before = allocations();
  round();
  CHECK(allocations() == before);
  CHECK(keys.size() == 500);
}
