// Topics that a home takes, refuses and forgets.
#include <doctest/doctest.h>

#include "tests/topics/home_fixture.h"

using namespace ringcast::topics;
using ringcast::topics::test::HomeFixture;

TEST_CASE("topics_max topics are taken, one more is refused and changes nothing, until one is forgotten") {
  HomeFixture f({.topics_max = 2});
  f.publish("a");
  f.publish("b");
  CHECK(f.topic("a").has_value());
  REQUIRE_FALSE(f.topic("c").has_value());
  CHECK(f.topic("c").error() == Error::too_many_topics);
  CHECK(f.home.counters().refused == 2);
  CHECK(f.home.counters().entries == 2);
  CHECK(f.home.announce(0, "c"));  // interest does not count
  CHECK_FALSE(f.topic("c").has_value());
  f.publish("b", Op::remove);
  CHECK(f.home.forget("b") == Home::Forget::forgotten);
  CHECK(f.publish("c").interested == only(0));
  f.home.check_invariants();
}

TEST_CASE("forget takes only a topic without a value, and keeps exact interest in it") {
  HomeFixture f;
  f.publish("a");
  CHECK(f.home.forget("a") == Home::Forget::has_value);
  CHECK(f.home.forget("b") == Home::Forget::unknown);
  f.publish("a", Op::remove);
  CHECK(f.home.announce(3, "a"));
  CHECK(f.home.announce(3, "#"));
  const TopicHandle old = f.find("a");
  CHECK(f.home.forget("a") == Home::Forget::forgotten);
  CHECK_FALSE(f.find("a").valid());
  CHECK(f.home.counters().topics == 0);
  CHECK(f.home.counters().entries == 1);
  CHECK(f.publish("a").interested == only(3));
  f.publish("a", Op::remove);
  CHECK(f.home.withdraw(3, "a"));
  CHECK(f.home.forget("a") == Home::Forget::forgotten);
  CHECK(f.home.last(old) == nullptr);
  CHECK(f.home.history(old) == nullptr);
  CHECK(f.pool.live() == 0);
  f.home.check_invariants();
}

TEST_CASE("a seq never comes twice for a name: a new topic begins above the last position forgotten") {
  HomeFixture f;
  f.publish("a");              // position 1
  f.publish("b", Op::event);   // 2
  f.publish("b", Op::event);   // 3
  f.publish("a", Op::remove);  // 4: seq 2 of a
  CHECK(f.home.forgotten_position() == 0);
  CHECK(f.home.forget("b") == Home::Forget::forgotten);
  CHECK(f.home.forgotten_position() == 3);
  CHECK(f.home.forget("a") == Home::Forget::forgotten);
  CHECK(f.home.forgotten_position() == 4);
  CHECK(f.publish("a").seq == 5);  // 1 + forgotten position
  CHECK(f.publish("c").seq == 5);
  CHECK(f.publish("c").seq == 6);
}

TEST_CASE("a forgotten topic's index comes back with another generation") {
  HomeFixture f;
  const TopicHandle old = f.publish("a", Op::event).topic;
  CHECK(f.home.forget("a") == Home::Forget::forgotten);
  const TopicHandle fresh = f.publish("b").topic;
  CHECK(fresh.index == old.index);
  CHECK(fresh.generation != old.generation);
  CHECK(f.home.last(old) == nullptr);
}
