#include "broker/farewell.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>

namespace ringcast::broker {

TEST_CASE(
    "a farewell takes half a millisecond a connection, at most half of what is left; all come back in that time") {
  struct Row {
    std::uint64_t connections;
    std::int64_t left_ms;
    std::int64_t spread_ms;
    std::int64_t within_ms;
  };
  const Row rows[] = {
      {0, 10'000, 0, kComeBackMinMs},
      {1, 10'000, 0, kComeBackMinMs},
      {200, 10'000, 100, kComeBackMinMs},
      {1'000, 10'000, 500, kComeBackMinMs},
      {1'002, 10'000, 501, 501},
      {10'000, 10'000, 5'000, 5'000},
      {10'002, 10'000, 5'000, 5'001},
      {20'000, 10'000, 5'000, kComeBackMaxMs},
      {20'002, 10'000, 5'000, kComeBackMaxMs},
      {20'000, 20'000, 10'000, kComeBackMaxMs},
      {20'000, 1, 0, kComeBackMaxMs},
      {20'000, 0, 0, kComeBackMaxMs},
      {20'000, -5, 0, kComeBackMaxMs},  // it is late already
  };
  for (const auto& [connections, left_ms, spread_ms, within_ms] : rows) {
    CAPTURE(connections);
    CAPTURE(left_ms);
    const Farewell farewell = plan_farewell(connections, left_ms);
    CHECK(farewell.spread_ms == spread_ms);
    CHECK(farewell.within_ms == within_ms);
  }
}

TEST_CASE("whoever there is takes leave once, in order and evenly, and is looked at just when it is time") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    const auto slots = static_cast<std::uint32_t>(random() % 50);
    const auto spread_ms = static_cast<std::int64_t>(random() % 40);
    Leaving leaving;
    CHECK(leaving.next(slots) == Instant::never());
    leaving.begin({.spread_ms = spread_ms}, {1'000});
    std::uint32_t told = 0;
    std::int64_t last_ms = 0;
    for (std::int64_t ms = 0; leaving.under_way(); ms = leaving.next(slots).ms - 1'000) {
      REQUIRE(ms <= spread_ms);
      const bool first = told == 0;
      CHECK(leaving.left_ms({1'000 + ms}) == spread_ms - ms);
      const Leaving::Slots due = leaving.due(slots, {1'000 + ms});
      REQUIRE(due.begin == told);
      CHECK((first || due.end > told || ms == spread_ms));  // woken for nothing only at the end
      // Not one before its time, and none late: slot n has its turn when n/slots of the time have passed.
      if (due.end > due.begin && ms < spread_ms) CHECK((due.end - 1) * spread_ms <= ms * slots);
      if (due.end < slots) CHECK(due.end * spread_ms > ms * slots);
      told = due.end;
      last_ms = ms;
    }
    CHECK(told == slots);
    CHECK(last_ms == spread_ms);
    CHECK(leaving.left_ms({1'000 + spread_ms + 1}) == 0);
    CHECK(leaving.next(slots) == Instant::never());
  }
}

TEST_CASE("a shard that comes late tells all whose turn has passed, and slots that come and go break nothing") {
  Leaving leaving;
  leaving.begin({.spread_ms = 100}, {0});
  CHECK(leaving.due(100, {0}).end == 1);
  CHECK(leaving.due(100, {49}).end == 50);
  const Leaving::Slots fewer = leaving.due(40, {60});
  CHECK(fewer.begin >= fewer.end);
  CHECK(leaving.due(100, {1'000}).end == 100);
  CHECK(!leaving.under_way());
}

}  // namespace ringcast::broker
