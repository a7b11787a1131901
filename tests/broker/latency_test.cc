#include "broker/latency.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

namespace ringcast::broker {

TEST_CASE("a duration lies in a cell that ends at most 25 % above it") {
  std::vector<std::uint64_t> durations{0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 1'000, 1'000'000, 100'000'000};
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) durations.push_back(random() % (std::uint64_t{1} << (random() % 26 + 1)));
  for (const std::uint64_t us : durations) {
    CAPTURE(us);
    const std::size_t cell = Durations::cell_of(us);
    const std::uint64_t end = Durations::end_of(cell);
    CHECK(us < end);
    CHECK(end - us <= us / 4 + 1);
    if (cell > 0) CHECK(us >= Durations::end_of(cell - 1));
  }
}

TEST_CASE("what is longer than the scale counts as its last cell") {
  CHECK(Durations::cell_of(UINT64_MAX) == Durations::kCells - 1);
  CHECK(Durations::cell_of(Durations::end_of(Durations::kCells - 1)) == Durations::kCells - 1);
  CHECK(Durations::cell_of(Durations::end_of(Durations::kCells - 2)) == Durations::kCells - 1);
}

TEST_CASE("quantiles count messages, and differences what came since") {
  Durations durations;
  CHECK(durations.quantile(0.5) == 0);
  durations.add(100, 98);
  durations.add(5'000, 2);
  CHECK(durations.quantile(0.5) == 112);
  CHECK(durations.quantile(0.97) == 112);
  CHECK(durations.quantile(0.99) == 5'120);
  CHECK(durations.quantile(1) == 5'120);
  CHECK(durations.sum_us == 98 * 100 + 2 * 5'000);
  const Durations before = durations;
  durations.add(20, 1);
  const Durations since = durations.since(before);
  CHECK(since.count == 1);
  CHECK(since.sum_us == 20);
  CHECK(since.quantile(0.5) == since.quantile(1));
}

TEST_CASE("all messages of a round count as its oldest, and only once it has ended") {
  Latency latency;
  latency.begin_round({.oldest_us = 1'000, .messages = 3});
  CHECK_FALSE(latency.due());
  latency.end_round();
  REQUIRE(latency.due());
  latency.record(1'400);
  CHECK_FALSE(latency.due());
  CHECK(latency.durations().count == 3);
  CHECK(latency.durations().sum_us == 3 * 400);
  latency.begin_round({});  // nothing was fanned out
  latency.end_round();
  CHECK_FALSE(latency.due());
  latency.begin_round({.oldest_us = 9'000, .messages = 1});
  latency.end_round();
  latency.record(8'000);  // the clock was set back
  CHECK(latency.durations().sum_us == 3 * 400);
  CHECK(latency.durations().count == 4);
}

}  // namespace ringcast::broker
