#include "topics/home.h"

#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace ringcast::topics;

namespace {

constexpr HashKey kKey{.k0 = 3, .k1 = 4};

// A home and its pool, with the way of a request in one call.
struct Fixture {
  explicit Fixture(Home::Options options = {}) : home((options.key = kKey, std::move(options)), pool) {}

  std::expected<TopicHandle, Error> topic(std::string_view name) {
    return home.find_or_make(name, hash_name(kKey, name));
  }
  TopicHandle find(std::string_view name) const { return home.find(name, hash_name(kKey, name)); }

  Home::Sequenced publish(std::string_view name, Op op = Op::set, std::int64_t now_us = 0) {
    const TopicHandle handle = topic(name).value();
    Message* const message = pool.make({.topic = name, .topic_hash = hash_name(kKey, name), .op = op});
    const Home::Sequenced sequenced = home.sequence(handle, message, now_us);
    CHECK(message->seq == sequenced.seq);
    CHECK(message->position == sequenced.position);
    time_us = message->time_us;
    pool.release(message);
    home.check_invariants();
    return sequenced;
  }

  std::vector<std::string> snapshot(std::string_view filter, std::uint64_t position_max) {
    std::vector<std::string> found;
    const WalkEnd end = home.snapshot(filter, {.position_max = position_max}, [&](Message* message) {
      found.emplace_back(message->topic());
      return Visit::go_on;
    });
    CHECK(end.done);
    return found;
  }

  MessagePool pool;
  Home home;
  std::int64_t time_us = 0;  // of the last message published
};

}  // namespace

TEST_CASE("sequence counts seq per topic and position per home, both from 1") {
  Fixture f({.origin = 5});
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
  Fixture f;
  f.publish("a", Op::set, 1'000);
  CHECK(f.time_us == 1'000);
  f.publish("b", Op::set, 900);
  CHECK(f.time_us == 1'000);
  f.publish("a", Op::set, 1'001);
  CHECK(f.time_us == 1'001);
}

TEST_CASE("the last value is the last SET, until a REMOVE; an EVENT passes by") {
  Fixture f;
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
  Fixture f({.history = {.messages_max = 2}, .history_rules = {{"log/#", 3}, {"log/none", 9}, {"none/+", 0}}});
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
  Fixture f;
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
  Fixture f({.topics_max = 1});
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

TEST_CASE("topics_max topics are taken, one more is refused and changes nothing, until one is forgotten") {
  Fixture f({.topics_max = 2});
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
  Fixture f;
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
  Fixture f;
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
  Fixture f;
  const TopicHandle old = f.publish("a", Op::event).topic;
  CHECK(f.home.forget("a") == Home::Forget::forgotten);
  const TopicHandle fresh = f.publish("b").topic;
  CHECK(fresh.index == old.index);
  CHECK(fresh.generation != old.generation);
  CHECK(f.home.last(old) == nullptr);
}

TEST_CASE("a snapshot holds the values last changed at or before its position, removed ones not") {
  Fixture f;
  f.publish("a/1");
  f.publish("a/2");
  f.publish("a/3");
  f.publish("b");
  f.publish("a/2", Op::remove);
  const std::uint64_t position = f.home.position();
  f.publish("a/3");  // changed later: it comes live
  f.publish("a/4");
  f.publish("a/1", Op::event);  // not a change of the value
  CHECK(f.snapshot("a/+", position) == std::vector<std::string>{"a/1"});
  CHECK(f.snapshot("#", position) == std::vector<std::string>{"a/1", "b"});
  CHECK(f.snapshot("b", position) == std::vector<std::string>{"b"});
  CHECK(f.snapshot("a/+", f.home.position()) == std::vector<std::string>{"a/1", "a/3", "a/4"});
}

TEST_CASE("a snapshot comes in chunks of count_max, and goes on though topics change between") {
  Fixture f;
  for (int i = 0; i < 10; ++i) f.publish("t/" + std::to_string(i));
  const std::uint64_t position = f.home.position();
  std::vector<std::string> found;
  std::string after;
  int chunks = 0;
  for (bool done = false; !done; ++chunks) {
    std::uint32_t count = 0;
    const WalkEnd end =
        f.home.snapshot("t/+", {.after = after, .position_max = position, .count_max = 3}, [&](Message* message) {
          found.emplace_back(message->topic());
          ++count;
          return Visit::go_on;
        });
    CHECK(count <= 3);
    done = end.done;
    after = end.after;
    if (chunks == 0) {
      f.publish("t/1");              // already sent: comes live too
      f.publish("t/5");              // not sent yet: comes live instead
      f.publish("t/2", Op::remove);  // the cursor's own topic
      CHECK(f.home.forget("t/2") == Home::Forget::forgotten);
    }
  }
  CHECK(found == std::vector<std::string>{"t/0", "t/1", "t/2", "t/3", "t/4", "t/6", "t/7", "t/8", "t/9"});
  CHECK(chunks == 3);
}

TEST_CASE("unchanged_since is true only when no matching topic can have had a message") {
  Fixture f;
  for (const char* filter : {"a/b", "a/#", "#"}) {
    CHECK(f.home.unchanged_since(filter, 0, 10));   // of nothing, nothing
    CHECK(!f.home.unchanged_since(filter, 1, 10));  // no position of this home
  }
  f.publish("a/b");
  f.publish("c");
  struct Row {
    const char* filter;
    std::uint64_t position;
    bool unchanged;
  };
  const Row rows[] = {
      {"a/b", 0, false}, {"a/b", 1, true}, {"a/b", 2, true},  {"a/b", 3, false},        {"c", 1, false},
      {"c", 2, true},    {"x", 0, true},   {"a/#", 0, false}, {"a/#", 1, true},         {"+", 1, false},
      {"+/+", 1, true},  {"#", 1, false},  {"#", 2, true},    {"#", UINT64_MAX, false}, {"a/b", UINT64_MAX, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.filter);
    CAPTURE(row.position);
    CHECK(f.home.unchanged_since(row.filter, row.position, 10) == row.unchanged);
  }
}

TEST_CASE("unchanged_since: events and removals are messages, and of a topic forgotten since nothing is known") {
  Fixture f;
  f.publish("a");
  f.publish("a", Op::event);
  CHECK(!f.home.unchanged_since("a", 1, 10));
  CHECK(!f.home.unchanged_since("+", 1, 10));
  f.publish("a", Op::remove);
  CHECK(!f.home.unchanged_since("a", 2, 10));
  f.publish("b");
  CHECK(f.home.unchanged_since("a", 3, 10));
  CHECK(f.home.forget("a") == Home::Forget::forgotten);
  CHECK(!f.home.unchanged_since("a", 2, 10));
  CHECK(!f.home.unchanged_since("c", 2, 10));
  CHECK(f.home.unchanged_since("a", 3, 10));
  CHECK(f.home.unchanged_since("a", 4, 10));
}

TEST_CASE("unchanged_since looks at visits_max topics, and does not know with one more") {
  Fixture f;
  for (const char* name : {"t/a", "t/b", "t/c"}) f.publish(name);
  f.publish("x");
  CHECK(f.home.unchanged_since("t/+", 3, 4));  // x is looked at, too: with it the filter's topics end
  CHECK(!f.home.unchanged_since("t/+", 3, 3));
  CHECK(f.home.unchanged_since("t/+", 4, 1));  // nothing at all was published since: no look is needed
}

TEST_CASE("a home gives back every message it kept") {
  MessagePool pool;
  {
    Home home({.key = kKey, .history = {.messages_max = 10}}, pool);
    for (int i = 0; i < 100; ++i) {
      const std::string name = "t/" + std::to_string(i % 7);
      const std::uint64_t hash = hash_name(kKey, name);
      Message* const message = pool.make({.topic = name, .topic_hash = hash});
      home.sequence(home.find_or_make(name, hash).value(), message, 0);
      pool.release(message);
    }
    CHECK(pool.live() == 70);
  }
  CHECK(pool.live() == 0);
}

TEST_CASE("a resumption visits the topics that changed or those that match, whichever are fewer") {
  constexpr std::uint32_t kTopics = 20'000;
  Fixture f;
  MessagePool& pool = f.pool;
  const auto publish = [&](std::uint32_t i) {
    const std::string name = "t/" + std::to_string(i % 100) + "/" + std::to_string(i);
    Message* const message = pool.make({.topic = name, .topic_hash = hash_name(kKey, name)});
    f.home.sequence(f.topic(name).value(), message, 0);
    pool.release(message);
  };
  for (std::uint32_t i = 0; i < kTopics; ++i) publish(i);
  struct Row {
    std::uint32_t changed;  // topics, after all were published
    const char* filter;
    std::uint32_t visits_max;
    std::uint32_t found;
  };
  const Row rows[] = {
      {.changed = 0, .filter = "#", .visits_max = 10, .found = 0},
      {.changed = 5, .filter = "#", .visits_max = 50, .found = 5},
      {.changed = 500, .filter = "#", .visits_max = 2'500, .found = 500},
      {.changed = 500, .filter = "t/7/7", .visits_max = 4, .found = 1},
      {.changed = kTopics, .filter = "t/7/+", .visits_max = 500, .found = kTopics / 100},
      {.changed = kTopics, .filter = "t/+/7", .visits_max = 500, .found = 1},
      {.changed = kTopics, .filter = "#", .visits_max = 4 * kTopics, .found = kTopics},
      {.changed = kTopics / 2, .filter = "t/+/+", .visits_max = 2 * kTopics + 1'000, .found = kTopics / 2},
      {.changed = 5'000, .filter = "t/8/#", .visits_max = 600, .found = 50},
  };
  for (const Row& row : rows) {
    CAPTURE(row.changed);
    CAPTURE(row.filter);
    const std::uint64_t since = f.home.position();
    for (std::uint32_t i = 0; i < row.changed; ++i) publish(i);
    for (const Home::Since say : {Home::Since::every, Home::Since::newest}) {
      Home::ResumeChunk chunk{.say = say, .since = since, .position_max = f.home.position(), .visits_max = 256};
      std::uint32_t found = 0;
      std::uint32_t visits = 0;
      std::string after;
      for (bool done = false; !done;) {
        chunk.after = after;
        const Home::ResumeEnd end = f.home.resume(row.filter, chunk, [&](Message*) {
          ++found;
          return Visit::go_on;
        });
        CHECK(end.visits <= chunk.visits_max);
        CHECK(end.resumed == Resumed::recovered);
        visits += end.visits;
        done = end.done;
        after = end.after;
        chunk.within = end.within;
        chunk.topic = end.topic;
      }
      CHECK(found == row.found);
      CHECK(visits <= row.visits_max);
    }
  }
}

TEST_CASE("a resumption tells a gap where an event passed, and of topics forgotten since") {
  Fixture f;
  f.publish("a");             // 1
  f.publish("b");             // 2
  f.publish("b", Op::event);  // 3
  const auto resumed = [&](std::string_view filter, Home::Since say, std::uint64_t since) {
    const auto end = f.home.resume(filter, {.say = say, .since = since, .position_max = f.home.position()},
                                   [](Message*) { return Visit::go_on; });
    CHECK(end.done);
    return end.resumed;
  };
  for (const Home::Since say : {Home::Since::every, Home::Since::newest}) {
    CHECK(resumed("#", say, 1) == Resumed::gap);
    CHECK(resumed("b", say, 2) == Resumed::gap);
    CHECK(resumed("b", say, 3) == Resumed::recovered);
    CHECK(resumed("a", say, 0) == Resumed::recovered);
  }
  f.publish("b");  // 4: the event was not the last that happened
  CHECK(resumed("b", Home::Since::every, 2) == Resumed::gap);
  CHECK(resumed("b", Home::Since::newest, 2) == Resumed::conflated);
  f.publish("b", Op::remove);  // 5
  CHECK(resumed("b", Home::Since::newest, 4) == Resumed::recovered);
  REQUIRE(f.home.forget("b") == Home::Forget::forgotten);
  for (const Home::Since say : {Home::Since::every, Home::Since::newest}) {
    CHECK(resumed("b", say, 4) == Resumed::gap);
    CHECK(resumed("#", say, 4) == Resumed::gap);
    CHECK(resumed("#", say, 5) == Resumed::recovered);
    CHECK(resumed("a", say, 1) == Resumed::recovered);  // it was there all the time
    CHECK(resumed("c", say, 1) == Resumed::gap);        // it may have come and gone
  }
}

TEST_CASE("a resumption since a time gives what is not older, to the microsecond") {
  Fixture f({.history = {.messages_max = 10}});
  for (int i = 0; i < 10; ++i) f.publish("a", Op::set, 100'000'000 + i * 300'000);
  struct Row {
    std::int64_t since_us;
    std::size_t found;
    Resumed resumed;
  };
  for (const Row& row : {Row{100'000'000, 10, Resumed::recovered}, Row{100'000'001, 9, Resumed::recovered},
                         Row{101'500'000, 5, Resumed::recovered}, Row{102'700'000, 1, Resumed::recovered},
                         Row{102'700'001, 0, Resumed::recovered}, Row{99'999'999, 10, Resumed::gap}}) {
    CAPTURE(row.since_us);
    std::size_t found = 0;
    const auto end = f.home.resume("#", {.since_us = row.since_us, .position_max = 100}, [&](Message* message) {
      CHECK(message->time_us >= row.since_us);
      ++found;
      return Visit::go_on;
    });
    CHECK(found == row.found);
    CHECK(end.done);
    CHECK(end.resumed == row.resumed);  // a gap: who knows what was before the home began
  }
}
