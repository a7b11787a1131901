#include "broker/accounts.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

using namespace ringcast;
using namespace ringcast::broker;

namespace {

constexpr topics::HashKey kAccountsKey{1, 2};

// As many as come within so long, taken as soon as they may be.
std::uint64_t taken_within(Meter& meter, std::uint64_t per_second, std::int64_t ms, Instant from) {
  std::uint64_t taken = 0;
  for (std::int64_t at = 0; at <= ms; ++at) {
    while (meter.wait_ms(per_second, from + at) == 0) {
      meter.take(1, per_second, from + at);
      ++taken;
    }
  }
  return taken;
}

}  // namespace

TEST_CASE("a Meter lets one second's worth pass at once, and then as much each second") {
  for (const std::uint64_t per_second : {1U, 3U, 7U, 100U, 999U}) {
    CAPTURE(per_second);
    Meter meter;
    const Instant start{1'000'000};
    CHECK(taken_within(meter, per_second, 0, start) == per_second);
    const std::uint64_t later = taken_within(meter, per_second, 10'000, start);
    CHECK(later <= 10 * per_second);
    CHECK(later + 1 >= 10 * per_second - per_second / 100);  // waits are whole milliseconds
  }
}

TEST_CASE("a Meter says how long to wait, and has all of it again after a pause") {
  Meter meter;
  const Instant start{5'000};
  meter.take(10, 10, start);
  const std::int64_t wait = meter.wait_ms(10, start);
  CHECK(wait > 0);
  CHECK(wait <= 100);
  CHECK(meter.wait_ms(10, start + wait) == 0);
  CHECK(taken_within(meter, 10, 0, start + 60'000) == 10);
}

TEST_CASE("a Meter never makes anybody wait for longer than a minute") {
  Meter meter;
  const Instant start{5'000};
  for (int i = 0; i < 3; ++i) meter.take(UINT64_MAX, 1, start);
  CHECK(meter.wait_ms(1, start) > 0);
  CHECK(meter.wait_ms(1, start) <= Meter::kWaitMaxMs);
  CHECK(meter.wait_ms(1, start + Meter::kWaitMaxMs) == 0);
}

TEST_CASE("a Accounts has one account for each name, as long as somebody holds it") {
  Accounts accounts(kAccountsKey);
  Accounts::Ref one = accounts.open("a");
  const Accounts::Ref again = accounts.open("a");
  const Accounts::Ref other = accounts.open("b");
  CHECK(one == again);
  CHECK_FALSE(one == other);
  one->connections = 7;
  one = {};
  CHECK(again->connections == 7);
  CHECK(accounts.size() == 2);
}

TEST_CASE("a Accounts remembers so many that nobody holds, those that were used last") {
  Accounts accounts(kAccountsKey);
  const Accounts::Ref held = accounts.open("held");
  (void)accounts.open("first");
  for (std::size_t i = 1; i < Accounts::kIdleMax; ++i) (void)accounts.open("x" + std::to_string(i));
  accounts.open("first")->connections = 3;
  CHECK(accounts.size() == Accounts::kIdleMax + 1);
  (void)accounts.open("one more");
  CHECK(accounts.size() == Accounts::kIdleMax + 1);
  CHECK(accounts.open("first")->connections == 3);  // x1 was the oldest
  CHECK(accounts.open("held") == held);
}

TEST_CASE("threads hold, charge and give back the same accounts") {
  Accounts accounts(kAccountsKey);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1'000; ++i) {
          const Accounts::Ref account = accounts.open(i % 2 == 0 ? "a" : "b");
          const Accounts::Ref copy = account;
          ++copy->connections;
          copy->messages.take(1, 1'000'000, Instant{1'000});
        }
      });
    }
  }
  CHECK(accounts.open("a")->connections == 2'000);
  CHECK(accounts.open("b")->connections == 2'000);
  CHECK(accounts.size() == 2);
}
