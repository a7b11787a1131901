// What a subscription begins with: last values, and whether anything changed at all.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/topics/home_fixture.h"

using namespace ringcast::topics;
using ringcast::topics::test::HomeFixture;

TEST_CASE("a snapshot holds the values last changed at or before its position, removed ones not") {
  HomeFixture f;
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
  HomeFixture f;
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
  HomeFixture f;
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
  HomeFixture f;
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
  HomeFixture f;
  for (const char* name : {"t/a", "t/b", "t/c"}) f.publish(name);
  f.publish("x");
  CHECK(f.home.unchanged_since("t/+", 3, 4));  // x is looked at, too: with it the filter's topics end
  CHECK(!f.home.unchanged_since("t/+", 3, 3));
  CHECK(f.home.unchanged_since("t/+", 4, 1));  // nothing at all was published since: no look is needed
}
