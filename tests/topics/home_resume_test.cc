// What a home tells of the messages since a position or a time, and at what cost.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/topics/home_fixture.h"

using namespace ringcast::topics;
using ringcast::topics::test::HomeFixture;
using ringcast::topics::test::kHomeKey;

TEST_CASE("a resumption visits the topics that changed or those that match, whichever are fewer") {
  constexpr std::uint32_t kTopics = 20'000;
  HomeFixture f;
  MessagePool& pool = f.pool;
  const auto publish = [&](std::uint32_t i) {
    const std::string name = "t/" + std::to_string(i % 100) + "/" + std::to_string(i);
    Message* const message = pool.make({.topic = name, .topic_hash = hash_name(kHomeKey, name)});
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
  HomeFixture f;
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

TEST_CASE("an event that comes live while a resumption is told is no gap, unless it may have come before") {
  HomeFixture f({.history = {.messages_max = 10}});
  const auto resumed = [&](std::uint64_t since, std::uint64_t position_max, std::uint64_t within) {
    return f.home
        .resume("a", {.since = since, .position_max = position_max, .after = within > 0 ? "a" : "", .within = within},
                [](Message*) { return Visit::go_on; })
        .resumed;
  };
  for (int i = 0; i < 4; ++i) f.publish("a");  // 1 to 4
  f.publish("a", Op::event);                   // 5
  CHECK(resumed(1, 3, 0) == Resumed::recovered);
  CHECK(resumed(1, 3, 2) == Resumed::recovered);
  CHECK(resumed(1, 4, 0) == Resumed::gap);        // whether the event came before 4 is not known any more,
  CHECK(resumed(1, 4, 2) == Resumed::recovered);  // but if it had, the chunk before would have told it
  CHECK(resumed(1, 5, 2) == Resumed::gap);
  for (int i = 0; i < 8; ++i) f.publish("a");  // to 13: 4 is the oldest that is kept
  f.publish("a", Op::event);                   // 14
  CHECK(resumed(1, 12, 0) == Resumed::gap);
  CHECK(resumed(1, 12, 2) == Resumed::gap);
  CHECK(resumed(1, 12, 4) == Resumed::recovered);
  CHECK(resumed(6, 12, 0) == Resumed::recovered);
}

TEST_CASE("a resumption since a time gives what is not older, to the microsecond") {
  HomeFixture f({.history = {.messages_max = 10}});
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
