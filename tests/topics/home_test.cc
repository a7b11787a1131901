#include "topics/home.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/topics/home_fixture.h"

using namespace ringcast::topics;
using ringcast::topics::test::HomeFixture;
using ringcast::topics::test::kHomeKey;

TEST_CASE("sequence counts seq per topic and position per home, both from 1") {
  HomeFixture f({.origin = 5});
  CHECK(f.home.position() == 0);
  const Home::Sequenced first = f.publish("a");
  CHECK(first.seq == 1);
  CHECK(first.position == 1);
  CHECK(f.publish("b").seq == 1);
  CHECK(f.publish("a").seq == 2);
  const Home::Sequenced last = f.publish("a", Op::event);
  CHECK(last.seq == 3);
  CHECK(last.position == 4);
  CHECK(last.topic == first.topic);
  CHECK(f.home.position() == 4);
  CHECK(f.home.last("a")->origin == 5);
}

TEST_CASE("time never goes back, though the clock does") {
  HomeFixture f;
  f.publish("a", Op::set, 1'000);
  CHECK(f.time_us == 1'000);
  f.publish("b", Op::set, 900);
  CHECK(f.time_us == 1'000);
  f.publish("a", Op::set, 1'001);
  CHECK(f.time_us == 1'001);
}

TEST_CASE("the last value is the last SET, until a REMOVE; an EVENT passes by") {
  HomeFixture f;
  CHECK(f.home.last("a") == nullptr);
  f.publish("a", Op::event);
  CHECK(f.home.last("a") == nullptr);
  f.publish("a");
  REQUIRE(f.home.last("a") != nullptr);
  CHECK(f.home.last("a")->seq == 2);
  f.publish("a", Op::event);
  CHECK(f.home.last("a")->seq == 2);
  f.publish("a", Op::remove);
  CHECK(f.home.last("a") == nullptr);
  CHECK(f.home.history(f.find("a"))->newest()->op == Op::remove);
  f.publish("a");
  CHECK(f.home.last("a")->seq == 5);
}

TEST_CASE("history rules decide how much a topic keeps, the first that matches") {
  HomeFixture f({.history = {.messages_max = 2}, .history_rules = {{"log/#", 3}, {"log/none", 9}, {"none/+", 0}}});
  for (int i = 0; i < 5; ++i) {
    for (const char* name : {"log/none", "none/x", "other"}) f.publish(name);
  }
  CHECK(f.home.history(f.find("log/none"))->size() == 3);
  CHECK(f.home.history(f.find("none/x"))->size() == 0);
  CHECK(f.home.last("none/x") == nullptr);
  CHECK(f.home.history(f.find("other"))->size() == 2);
  CHECK(f.pool.live() == 5);
  CHECK(f.publish("none/x").seq == 6);
}

TEST_CASE("interested says which shards have an exact or a wildcard filter, as they come and go") {
  HomeFixture f;
  const TopicHandle topic = f.topic("a/b").value();
  CHECK(f.home.interested(topic) == 0);
  CHECK(f.home.announce(0, "a/b"));
  CHECK_FALSE(f.home.announce(0, "a/b"));
  CHECK(f.home.announce(63, "a/+"));
  CHECK(f.home.announce(63, "#"));
  CHECK(f.home.announce(2, "b/#"));
  CHECK(f.home.interested(topic) == (only(0) | only(63)));
  CHECK(f.publish("a/b").interested == (only(0) | only(63)));
  CHECK(f.home.withdraw(63, "#"));
  CHECK_FALSE(f.home.withdraw(63, "#"));
  CHECK(f.home.interested(topic) == (only(0) | only(63)));
  CHECK(f.home.withdraw(63, "a/+"));
  CHECK(f.home.interested(topic) == only(0));
  CHECK(f.home.withdraw(0, "a/b"));
  CHECK(f.home.interested(topic) == 0);
  CHECK_FALSE(f.home.withdraw(0, "never"));
  f.home.check_invariants();
}

TEST_CASE("interest in a topic that nobody published is kept, and taken up by its first message") {
  HomeFixture f({.topics_max = 1});
  CHECK(f.home.announce(1, "later"));
  CHECK(f.home.announce(1, "never"));
  CHECK(f.home.counters().topics == 0);
  CHECK(f.home.counters().entries == 2);
  CHECK_FALSE(f.find("later").valid());
  CHECK(f.home.forget("later") == Home::Forget::unknown);
  CHECK(f.snapshot("#", 100).empty());
  CHECK(f.publish("later").interested == only(1));
  CHECK(f.home.withdraw(1, "never"));
  CHECK(f.home.withdraw(1, "later"));
  CHECK(f.home.counters().entries == 1);
  f.home.check_invariants();
}

TEST_CASE("a home gives back every message it kept") {
  MessagePool pool;
  {
    Home home({.key = kHomeKey, .history = {.messages_max = 10}}, pool);
    for (int i = 0; i < 100; ++i) {
      const std::string name = "t/" + std::to_string(i % 7);
      const std::uint64_t hash = hash_name(kHomeKey, name);
      Message* const message = pool.make({.topic = name, .topic_hash = hash});
      home.sequence(home.find_or_make(name, hash).value(), message, 0);
      pool.release(message);
    }
    CHECK(pool.live() == 70);
  }
  CHECK(pool.live() == 0);
}
