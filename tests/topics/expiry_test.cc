// What time does to topics: values expire, old messages go, silent topics are forgotten.
#include <doctest/doctest.h>
#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "tests/topics/random.h"
#include "topics/home.h"

using namespace ringcast::topics;

namespace {

constexpr HashKey kExpiryKey{.k0 = 9, .k1 = 10};
constexpr std::int64_t kSlackMs = 250;  // two ticks and the step of the test's clock

// A home whose time passes in steps, with the REMOVEs of its shard.
struct Clocked {
  explicit Clocked(Home::Options options) : home((options.key = kExpiryKey, std::move(options)), pool) { pass(0); }

  Home::Sequenced publish(const std::string& name, Op op = Op::set) {
    const std::uint64_t hash = hash_name(kExpiryKey, name);
    Message* const message = pool.make({.topic = name, .topic_hash = hash, .op = op});
    const Home::Sequenced done = home.sequence(home.find_or_make(name, hash).value(), message, now_ms * 1'000);
    pool.release(message);
    return done;
  }
  bool knows(const std::string& name) const { return home.find(name, hash_name(kExpiryKey, name)).valid(); }

  // Lets time pass in steps of 50 ms at most; the topics that were removed meanwhile, in order.
  std::vector<std::string> pass(std::int64_t ms) {
    std::vector<std::string> removed;
    const std::int64_t end = now_ms + ms;
    do {
      now_ms = std::min(end, now_ms + 50);
      home.turn({.utc_us = now_ms * 1'000, .monotonic_ms = now_ms + 77});
      std::uint32_t visits = 1'000;
      for (TopicHandle topic = home.due(visits); topic.valid(); topic = home.due(visits)) {
        removed.emplace_back(home.last(topic)->topic());
        publish(removed.back(), Op::remove);
      }
    } while (now_ms < end);
    home.check_invariants();
    return removed;
  }

  MessagePool pool;
  std::int64_t now_ms = 1'000'000;
  Home home;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a value to which nothing is published for its ttl is removed once, not before, and seq goes on") {
  Clocked c({.history_rules = {{.filter = "t/#", .ttl_ms = 2'000}}});
  c.publish("t/a");
  c.publish("other");
  CHECK(c.pass(1'500).empty());
  c.publish("t/a");  // begins anew
  CHECK(c.pass(1'950).empty());
  CHECK(c.pass(50 + kSlackMs) == Names{"t/a"});
  CHECK(c.home.last("t/a") == nullptr);
  CHECK(c.pass(20'000).empty());
  CHECK(c.home.last("other") != nullptr);
  CHECK(c.publish("t/a").seq == 4);
  CHECK(c.home.counters().expired == 1);
  CHECK(c.pass(2'000 + kSlackMs) == Names{"t/a"});
}

TEST_CASE("an event keeps a topic from expiring by ttl, but not a value by age") {
  Clocked c({.history_rules = {{.filter = "t", .ttl_ms = 1'000}, {.filter = "a", .age_ms = 1'000}}});
  c.publish("t");
  c.publish("a");
  CHECK(c.pass(700).empty());
  c.publish("t", Op::event);
  c.publish("a", Op::event);
  CHECK(c.pass(300 + kSlackMs) == Names{"a"});
  CHECK(c.pass(700) == Names{"t"});
}

TEST_CASE("a ttl of days is kept to, and a topic that is published again and again costs no entries") {
  constexpr std::int64_t kDay = 86'400'000;
  Clocked c({.history = {.ttl_ms = 3 * kDay}});
  c.publish("a");
  c.now_ms += 3 * kDay - 100;  // asleep: no turn for days
  CHECK(c.pass(0).empty());
  CHECK(c.pass(100 + kSlackMs) == Names{"a"});
}

TEST_CASE("old messages leave a history by age, the value is removed when it is old") {
  Clocked c({.history = {.messages_max = 100, .age_ms = 1'000}});
  for (int i = 0; i < 10; ++i) {
    c.publish("a");
    CHECK(c.pass(200).empty());
  }
  const auto kept = [&] {
    std::size_t count = 0;
    c.home.replay("a", {.position_max = 1'000, .per_topic_max = 100}, [&](Message* message) {
      CHECK(message->time_us >= (c.now_ms - 1'000) * 1'000);
      ++count;
      return Visit::go_on;
    });
    return count;
  };
  CHECK(kept() == 5);
  CHECK(c.pool.live() == 5);
  CHECK(c.pass(550).empty());  // nobody asks
  CHECK(c.pool.live() <= 3);
  CHECK(kept() == 2);
  CHECK(c.pass(500) == Names{"a"});
  c.pass(2'000);
  CHECK(c.pool.live() == 1);  // the REMOVE
}

TEST_CASE("topics without a value are forgotten after the grace, and give their place back") {
  Clocked c({.topics_max = 3, .history_rules = {{.filter = "none", .messages_max = 0}}, .forget_after_ms = 5'000});
  c.publish("removed");
  c.publish("removed", Op::remove);
  c.publish("event", Op::event);
  c.publish("none");
  CHECK_FALSE(c.home.find_or_make("more", hash_name(kExpiryKey, "more")).has_value());
  c.pass(4'000);
  c.publish("event", Op::event);
  c.pass(950);
  CHECK(c.home.counters().topics == 3);
  CHECK(c.knows("removed"));
  c.pass(50 + kSlackMs);
  CHECK_FALSE(c.knows("removed"));
  CHECK_FALSE(c.knows("none"));
  CHECK(c.knows("event"));
  CHECK(c.home.forgotten_position() == 4);
  CHECK(c.pool.live() == 0);
  CHECK(c.publish("removed").seq == 5);  // above all that it ever had
  CHECK(c.publish("fresh").seq == 5);
  c.pass(5'000);
  CHECK_FALSE(c.knows("event"));
  CHECK(c.knows("removed"));
  CHECK(c.home.counters().forgotten == 3);
}

TEST_CASE("a topic with exact interest is forgotten too, and its interest stays") {
  Clocked c({.topics_max = 1, .forget_after_ms = 1'000});
  CHECK(c.home.announce(3, "a"));
  const TopicHandle before = c.publish("a").topic;
  c.publish("a", Op::remove);
  c.pass(1'000 + kSlackMs);
  CHECK_FALSE(c.knows("a"));
  CHECK(c.home.counters().topics == 0);
  CHECK(c.home.counters().entries == 1);
  const Home::Sequenced again = c.publish("a");
  CHECK(again.interested == only(3));
  CHECK(again.topic == before);
  CHECK(again.seq == 3);
  CHECK(c.home.withdraw(3, "a"));
  c.home.check_invariants();
}

TEST_CASE("a value that is removed and set again is not forgotten, though its name was to be") {
  Clocked c({.history_rules = {{.filter = "t", .ttl_ms = 3'000}}, .forget_after_ms = 1'000});
  for (const char* name : {"t", "plain"}) {
    c.publish(name);
    c.publish(name, Op::remove);
  }
  c.pass(500);
  c.publish("t");
  c.publish("plain");
  CHECK(c.pass(2'950).empty());
  CHECK(c.pass(50 + kSlackMs) == Names{"t"});
  c.pass(10'000);
  CHECK(c.knows("plain"));
  CHECK_FALSE(c.knows("t"));
}

TEST_CASE("a removal that finds no room is asked for again") {
  Clocked c({.history = {.ttl_ms = 1'000}});
  c.publish("a");
  c.now_ms += 1'500;
  c.home.turn({.utc_us = c.now_ms * 1'000, .monotonic_ms = c.now_ms + 77});
  std::uint32_t visits = 10;
  const TopicHandle topic = c.home.due(visits);
  REQUIRE(topic.valid());
  c.home.postpone(topic);
  CHECK_FALSE(c.home.due(visits).valid());
  CHECK(c.home.next_due_ms() <= c.now_ms + 77 + 100);
  CHECK(c.pass(200) == Names{"a"});
  CHECK(c.home.counters().expired == 1);
}

TEST_CASE("due() looks at no more topics than it may, and comes to all of them") {
  Clocked c({.history = {.ttl_ms = 1'000}});
  for (int i = 0; i < 100; ++i) c.publish("t/" + std::to_string(i));
  c.now_ms += 2'000;
  c.home.turn({.utc_us = c.now_ms * 1'000, .monotonic_ms = c.now_ms + 77});
  int removed = 0;
  for (int turns = 0; turns < 100 && removed < 100; ++turns) {
    std::uint32_t visits = 7;
    int given = 0;
    for (TopicHandle topic = c.home.due(visits); topic.valid(); topic = c.home.due(visits)) {
      c.publish(std::string(c.home.last(topic)->topic()), Op::remove);
      ++given;
    }
    CHECK(given <= 7);
    removed += given;
  }
  CHECK(removed == 100);
}

TEST_CASE("values expire and topics are forgotten when they should, in a random life") {
  constexpr std::int64_t kGrace = 3'000;
  struct Life {
    bool value = false;
    std::int64_t value_ms = 0;
    std::int64_t last_ms = 0;
    std::uint64_t seq = 0;
  };
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    Clocked c({.history_rules = {{.filter = "a/#", .ttl_ms = 2'000},
                                 {.filter = "b/#", .messages_max = 5, .age_ms = 1'500},
                                 {.filter = "c/#", .messages_max = 0, .ttl_ms = 500},
                                 {.filter = "+/a", .messages_max = 3, .age_ms = 4'000, .ttl_ms = 1'000}},
               .forget_after_ms = kGrace});
    const auto dies_ms = [](const std::string& name, const Life& life) -> std::int64_t {
      if (matches("a/#", name)) return life.last_ms + 2'000;
      if (matches("b/#", name)) return life.value_ms + 1'500;
      if (matches("+/a", name)) return std::min(life.value_ms + 4'000, life.last_ms + 1'000);
      return INT64_MAX;
    };
    std::map<std::string, Life> lives;
    std::map<std::string, std::uint64_t> highest;
    for (int step = 0; step < 400; ++step) {
      CAPTURE(step);
      if (random.percent(60)) {
        const std::string name = random.topic();
        const Op op = random.percent(70) ? Op::set : random.percent(50) ? Op::remove : Op::event;
        const std::uint64_t seq = c.publish(name, op).seq;
        REQUIRE(seq > highest[name]);
        highest[name] = seq;
        Life& life = lives[name];
        life.last_ms = c.now_ms;
        if (op == Op::set && !matches("c/#", name)) life.value = true, life.value_ms = c.now_ms;
        if (op == Op::remove) life.value = false;
      } else {
        const std::int64_t began = c.now_ms;
        for (const std::string& name : c.pass(random.below(random.percent(20) ? 5'000 : 300))) {
          CAPTURE(name);
          Life& life = lives[name];
          REQUIRE(life.value);
          REQUIRE(dies_ms(name, life) <= c.now_ms);
          life.value = false;
          life.last_ms = std::max(began, dies_ms(name, life));  // or up to kSlackMs later
          ++highest[name];
        }
      }
      for (auto& [name, life] : lives) {
        CAPTURE(name);
        if (life.value) {
          REQUIRE(c.home.last(name) != nullptr);
          REQUIRE(dies_ms(name, life) > c.now_ms - kSlackMs);
        } else if (life.last_ms + kGrace > c.now_ms) {
          REQUIRE(c.knows(name));
          REQUIRE(c.home.last(name) == nullptr);
        } else if (life.last_ms + kGrace < c.now_ms - 2 * kSlackMs) {
          REQUIRE_FALSE(c.knows(name));
        }
      }
    }
  }
}
