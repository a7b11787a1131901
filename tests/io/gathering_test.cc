#include "broker/io/gathering.h"

#include <doctest/doctest.h>

#include <cstdint>

using ringcast::io::Gathering;

namespace {

constexpr std::int64_t kLimitUs = 1000;

// A shard with a turn every `period_us`, of which it works so long and sends so often.
struct Load {
  std::int64_t period_us = 100;
  std::int64_t work_us = 60;
  std::uint64_t sends = 8;
};

// Runs that load from `now_us` for so long; gives back the time of the last turn's end.
std::int64_t run(Gathering& gathering, std::int64_t now_us, std::int64_t long_us, const Load& load) {
  const std::int64_t end_us = now_us + long_us;
  while (now_us + load.period_us <= end_us) {
    gathering.record({.began_us = now_us, .ended_us = now_us + load.work_us, .sends = load.sends});
    now_us += load.period_us;
  }
  return now_us - load.period_us + load.work_us;
}

}  // namespace

TEST_CASE("Gathering begins turns at least the limit apart, once a shard is busy") {
  Gathering gathering(kLimitUs);
  CHECK(gathering.rest_us(0) == 0);
  const std::int64_t now_us = run(gathering, 0, 30'000, {});
  CHECK(gathering.rest_us(now_us) == kLimitUs - 60);
  CHECK(gathering.rest_us(now_us + 500) == kLimitUs - 560);
  CHECK(gathering.rest_us(now_us + kLimitUs) == 0);  // a silence: who comes first is sent at once
}

TEST_CASE("Gathering leaves alone who is not busy, and who sends to few") {
  for (const Load& load : {Load{.work_us = 49}, Load{.sends = Gathering::kSendsMin - 1}}) {
    Gathering gathering(kLimitUs);
    const std::int64_t now_us = run(gathering, 0, 100'000, load);
    CHECK(gathering.rest_us(now_us) == 0);
  }
  Gathering never(0);
  CHECK(never.rest_us(run(never, 0, 100'000, {})) == 0);
}

TEST_CASE("Gathering goes on while it saves the work that began it, and ends with the load") {
  Gathering gathering(kLimitUs);
  std::int64_t now_us = run(gathering, 0, 30'000, {});
  now_us = run(gathering, now_us, 50'000, {.period_us = 1000, .work_us = 250});
  CHECK(gathering.rest_us(now_us) == kLimitUs - 250);
  now_us = run(gathering, now_us, 50'000, {.period_us = 1000, .work_us = 150});
  CHECK(gathering.rest_us(now_us) == 0);
}
