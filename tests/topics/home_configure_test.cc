// A home whose settings change while it is used.
#include <string>
#include <vector>

#include "tests/topics/home_fixture.h"
#include "tests/topics/random.h"

using namespace ringcast::topics;
using namespace ringcast::topics::test;

namespace {

// Goes over to other settings in steps of `visits`; how many it took.
int configure(HomeFixture& f, Home::Options options, std::uint32_t visits = 1'000) {
  f.home.configure(std::move(options));
  int steps = 1;
  for (; !f.home.reclassify(visits); ++steps) {
    REQUIRE(steps < 100'000);
    f.home.check_invariants();
  }
  f.home.check_invariants();
  return steps;
}

std::size_t kept(HomeFixture& f, std::string_view topic) {
  return f.home.history(f.find(topic))->size();
}

}  // namespace

TEST_CASE("a history that may hold less lets the oldest go at once, one that may hold more grows") {
  HomeFixture f({.history = {.messages_max = 8}});
  for (int i = 0; i < 10; ++i) f.publish("t");
  CHECK(kept(f, "t") == 8);
  configure(f, {.history = {.messages_max = 3}});
  CHECK(kept(f, "t") == 3);
  CHECK(f.pool.live() == 3);
  CHECK(f.home.last("t")->seq == 10);
  f.publish("t");
  CHECK(kept(f, "t") == 3);
  configure(f, {.history = {.messages_max = 5}});
  CHECK(kept(f, "t") == 3);
  for (int i = 0; i < 4; ++i) f.publish("t");
  CHECK(kept(f, "t") == 5);
  CHECK(f.home.last("t")->seq == 15);
}

TEST_CASE("a rule that keeps nothing takes the value too, and who comes back is told of a gap") {
  HomeFixture f;
  f.publish("a");
  f.publish("b");
  const std::uint64_t since = 0;
  const auto outcome = [&](std::string_view filter) {
    return f.home
        .resume(filter, {.say = Home::Since::every, .since = since, .position_max = f.home.position()},
                [](Message*) { return Visit::go_on; })
        .resumed;
  };
  CHECK(outcome("a") == Resumed::recovered);
  configure(f, {.history_rules = {{.filter = "a", .messages_max = 0}}});
  CHECK(f.home.last("a") == nullptr);
  CHECK(f.home.last("b") != nullptr);
  CHECK(outcome("a") == Resumed::gap);
  CHECK(outcome("b") == Resumed::recovered);
  f.publish("a");
  CHECK(f.home.last("a") == nullptr);
  configure(f, {});
  f.publish("a");
  CHECK(f.home.last("a")->seq == 3);
}

TEST_CASE("while topics go over to their new rules each of them has one, and new ones have the new") {
  HomeFixture f({.history = {.messages_max = 4}});
  for (int i = 0; i < 100; ++i) {
    for (int j = 0; j < 4; ++j) f.publish("t/" + std::to_string(i));
  }
  f.home.configure({.history = {.messages_max = 2}});
  CHECK_FALSE(f.home.reclassify(10));
  f.publish("new");
  f.publish("new");
  f.publish("new");
  CHECK(kept(f, "new") == 2);
  f.publish("t/0");
  CHECK(kept(f, "t/0") == 2);
  f.publish("t/99");
  CHECK(kept(f, "t/99") == 4);  // its turn has not come
  int steps = 1;
  while (!f.home.reclassify(10)) ++steps;
  CHECK(steps == 10);  // of those that are left, and the new one
  for (int i = 0; i < 100; ++i) CHECK(kept(f, "t/" + std::to_string(i)) == 2);
  f.home.check_invariants();
}

TEST_CASE("a topic with more to let go than one visit may has its old rule until that is done") {
  HomeFixture f({.history = {.messages_max = 10'000}});
  const TopicHandle handle = f.topic("t").value();
  for (int i = 0; i < 10'000; ++i) {
    Message* const message = f.pool.make({.topic = "t", .topic_hash = hash_name(kHomeKey, "t")});
    f.home.sequence(handle, message, 0);
    f.pool.release(message);
  }
  const int steps = configure(f, {.history = {.messages_max = 1}});
  CHECK(steps == 3);
  CHECK(kept(f, "t") == 1);
  CHECK(f.home.last("t")->seq == 10'000);
}

TEST_CASE("as many topics as the new limit says, on it and one past it, and those that are there stay") {
  HomeFixture f({.topics_max = 3});
  for (const char* name : {"a", "b", "c"}) f.publish(name);
  configure(f, {.topics_max = 2});
  f.publish("c");
  CHECK(f.topic("d").error() == Error::too_many_topics);
  configure(f, {.topics_max = 4});
  f.publish("d");
  CHECK(f.topic("e").error() == Error::too_many_topics);
  f.home.allow_own_topic();
  f.publish("e");
  configure(f, {.topics_max = 5});  // the broker's own one is beyond any limit
  f.publish("f");
  CHECK(f.topic("g").error() == Error::too_many_topics);
}

TEST_CASE("values that are there expire by a new ttl, and no longer by an old one") {
  HomeFixture f({.history_rules = {{.filter = "old", .ttl_ms = 1'000}}});
  std::int64_t ms = 0;
  const auto pass = [&](std::int64_t by) {
    std::vector<std::string> due;
    for (const std::int64_t end = ms + by; ms < end;) {
      f.home.turn({.utc_us = (ms += 50) * 1'000, .monotonic_ms = ms});
      std::uint32_t visits = 1'000;
      for (TopicHandle topic = f.home.due(visits); topic.valid(); topic = f.home.due(visits)) {
        due.emplace_back(f.home.last(topic)->topic());
        f.publish(due.back(), Op::remove);
      }
    }
    return due;
  };
  pass(50);
  f.publish("old");
  f.publish("new");
  configure(f, {.history_rules = {{.filter = "new", .ttl_ms = 2'000}}, .forget_after_ms = 1'000});
  CHECK(pass(1'800).empty());
  CHECK(pass(600) == std::vector<std::string>{"new"});
  CHECK(f.find("new").valid());
  CHECK(pass(1'500).empty());
  CHECK_FALSE(f.find("new").valid());  // forgotten by the new time
  CHECK(f.home.last("old") != nullptr);
}

TEST_CASE("settings that change at random among publishes keep what the last rule says") {
  Random random(20'261'122);
  HomeFixture f;
  Home::Options options;
  for (int round = 0; round < 200; ++round) {
    options = {};
    options.history.messages_max = static_cast<std::uint32_t>(random.below(6));
    if (random.below(2) == 0) {
      options.history_rules = {{.filter = "r/#",
                                .messages_max = static_cast<std::uint32_t>(random.below(6)),
                                .bytes_max = 1 + static_cast<std::uint32_t>(random.below(400))}};
    }
    f.home.configure(options);
    do {
      for (std::uint64_t i = random.below(5); i > 0; --i) {
        f.publish((random.below(2) == 0 ? "r/" : "s/") + std::to_string(random.below(8)));
      }
    } while (!f.home.reclassify(1 + static_cast<std::uint32_t>(random.below(8))));
    for (const char* kind : {"r/", "s/"}) {
      for (int i = 0; i < 8; ++i) {
        const History* const history = f.home.history(f.find(kind + std::to_string(i)));
        if (history == nullptr) continue;
        const bool ruled = kind[0] == 'r' && !options.history_rules.empty();
        const HistoryRule& rule = ruled ? options.history_rules[0] : options.history;
        CAPTURE(round);
        CHECK(history->size() <= rule.messages_max);
        CHECK((history->bytes() <= rule.bytes_max || history->size() == 1));
      }
    }
    f.home.check_invariants();
  }
}
