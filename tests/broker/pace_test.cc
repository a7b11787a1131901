#include "broker/pace.h"

#include <doctest/doctest.h>

#include <limits>
#include <set>

namespace ringcast::broker {

TEST_CASE("a rate becomes a period in whole milliseconds, rounded up, above 1 s to three digits") {
  struct Row {
    double rate_hz;
    std::int64_t period_ms;
  };
  for (const Row& row : {Row{0, 0}, Row{1000, 1}, Row{999, 2}, Row{60, 17}, Row{30, 34}, Row{10, 100}, Row{3, 334},
                         Row{1, 1'000}, Row{0.999, 1'010}, Row{0.5, 2'000}, Row{0.3, 3'340}, Row{0.1, 10'000},
                         Row{0.07, 14'300}, Row{0.001, 1'000'000}}) {
    CAPTURE(row.rate_hz);
    const auto pace = pace_of_rate(row.rate_hz);
    REQUIRE(pace.has_value());
    CHECK(period_ms(*pace) == row.period_ms);
  }
}

TEST_CASE("what is no rate has no pace") {
  for (const double rate :
       {-1.0, 0.0009, 1000.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    CAPTURE(rate);
    CHECK_FALSE(pace_of_rate(rate).has_value());
  }
}

TEST_CASE("there are few paces, and a faster one is a smaller number") {
  std::set<Pace> paces;
  Pace last = 0;
  for (double period = 1; period <= 1'000'000; period += period < 3'000 ? 1 : 7) {
    const auto pace = pace_of_rate(1000.0 / period);
    REQUIRE(pace.has_value());
    CHECK(static_cast<double>(period_ms(*pace)) >= period);
    CHECK(static_cast<double>(period_ms(*pace)) < period * 1.01 + 1);
    CHECK(*pace >= last);
    last = *pace;
    paces.insert(*pace);
  }
  CHECK(paces.size() == 3'700);
}

TEST_CASE("ticks fall on multiples of the period, the next one is after now") {
  const Pace pace = *pace_of_rate(10);
  CHECK(next_tick(pace, {1'000}) == Instant{1'100});
  CHECK(next_tick(pace, {1'001}) == Instant{1'100});
  CHECK(next_tick(pace, {1'099}) == Instant{1'100});
  CHECK(next_tick(pace, {1'100}) == Instant{1'200});
  CHECK(next_tick(kUnpaced, {1'099}) == Instant{1'099});
}

}  // namespace ringcast::broker
