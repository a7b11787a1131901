#include "broker/timer_wheel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

namespace ringcast::broker {

TEST_CASE("the wheel: an entry comes up at its time, rounded up to a tick, never before") {
  TimerWheel wheel;
  wheel.start({1'000});
  const Instant at = wheel.schedule({.index = 1}, {1'100});
  CHECK(at.ms >= 1'100);
  CHECK(at.ms < 1'100 + TimerWheel::kTickMs);
  CHECK(wheel.next() == at);
  CHECK(wheel.expire({at.ms - 1}).empty());
  REQUIRE(wheel.expire(at).size() == 1);
  CHECK(wheel.size() == 0);
  CHECK(wheel.next() == Instant::never());
}

TEST_CASE("the wheel: what is far comes up early, and a long sleep hands out everything once") {
  TimerWheel wheel;
  wheel.start({0});
  const Instant early = wheel.schedule({.index = 1}, {10'000'000});
  CHECK(early.ms < 10'000'000);
  for (std::uint32_t i = 2; i < 100; ++i) wheel.schedule({.index = i}, {static_cast<std::int64_t>(i) * 300});
  CHECK(wheel.expire({5'000'000}).size() == 99);
  CHECK(wheel.expire({6'000'000}).empty());
}

TEST_CASE("the wheel agrees with a sorted map over random times") {
  constexpr std::uint32_t kSeed = 20'261'121;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  TimerWheel wheel;
  std::int64_t now = 12'345;
  wheel.start({now});
  std::multimap<std::int64_t, std::uint32_t> model;
  std::uint32_t next = 0;
  for (int step = 0; step < 20'000; ++step) {
    for (std::uint32_t n = random() % 4; n > 0; --n) {
      const Instant at = wheel.schedule({.index = next}, {now + static_cast<std::int64_t>(random() % 40'000) - 100});
      model.emplace(at.ms, next++);
    }
    CHECK(wheel.next() == (model.empty() ? Instant::never() : Instant{model.begin()->first}));
    now += random() % 50 == 0 ? static_cast<std::int64_t>(random() % 60'000) : static_cast<std::int64_t>(random() % 40);
    std::vector<std::uint32_t> due;
    for (; !model.empty() && model.begin()->first <= now; model.erase(model.begin()))
      due.push_back(model.begin()->second);
    std::vector<std::uint32_t> got;
    for (const SlotId slot : wheel.expire({now})) got.push_back(slot.index);
    std::ranges::sort(due);
    std::ranges::sort(got);
    REQUIRE(due == got);
    REQUIRE(wheel.size() == model.size());
  }
}

}  // namespace ringcast::broker
