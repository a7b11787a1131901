#include "topics/time_samples.h"

#include <doctest/doctest.h>
#include <vector>

#include "tests/topics/random.h"

using namespace ringcast::topics;

TEST_CASE("TimeSamples never give a position that is not older than the time, and miss by the interval at most") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    TimeSamples samples;
    std::vector<std::int64_t> times;  // by position - 1
    std::int64_t time_us = 5;
    for (int i = 0; i < 2'000; ++i) {
      if (random.percent(70)) time_us += random.below(random.percent(10) ? 5'000'000 : 200'000);
      times.push_back(time_us);
      samples.note(time_us, times.size());
    }
    for (int i = 0; i < 500; ++i) {
      const std::int64_t asked = random.below(static_cast<std::size_t>(time_us) + 3'000'000);
      CAPTURE(asked);
      const std::uint64_t position = samples.position_before(asked);
      REQUIRE(position <= times.size());
      if (position > 0) REQUIRE(times[position - 1] < asked);
      for (std::uint64_t missed = position + 1; missed <= times.size(); ++missed) {
        if (times[missed - 1] >= asked - TimeSamples::kIntervalUs - 200'000) break;
        REQUIRE(times[missed - 1] + TimeSamples::kIntervalUs >= times[position]);  // all within one sample's second
      }
    }
    CHECK(samples.position_before(0) == 0);
    CHECK(samples.position_before(INT64_MIN) == 0);
  }
}

TEST_CASE("TimeSamples fill their room, to the second where they are recent and evenly where they are old") {
  TimeSamples samples;
  constexpr std::uint64_t kSeconds = 100'000;
  for (std::uint64_t second = 0; second < kSeconds; ++second) {
    samples.note(static_cast<std::int64_t>(second) * TimeSamples::kIntervalUs, second + 1);
    CHECK(samples.size() <= 2 * TimeSamples::kSamplesMax);
  }
  for (std::uint64_t second = 0; second < kSeconds; second += 11) {
    CAPTURE(second);
    const std::uint64_t position =
        samples.position_before(static_cast<std::int64_t>(second) * TimeSamples::kIntervalUs);
    CHECK(position <= second);
    CHECK(position + (second + 900 < kSeconds ? 200 : 0) >= second);
  }
}
