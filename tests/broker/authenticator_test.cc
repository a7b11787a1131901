#include "broker/authenticator.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/broker/token_bench.h"

using namespace ringcast;
using namespace ringcast::broker;

namespace {

constexpr std::int64_t kStart = 1'700'000'000;

Now at(std::int64_t second) {
  return {.monotonic = {(second - kStart) * 1'000 + 5'000}, .utc_us = second * 1'000'000};
}

AuthRules rules() {
  return {.tokens = test_rules()};
}

std::string token_of(std::string_view subject, std::int64_t expires_s = kStart + 100) {
  return test_token(R"({"sub":")" + std::string(subject) + R"(","exp":)" + std::to_string(expires_s) +
                    R"(,"ringcast":{"publish":["#"]}})");
}

struct Bench {
  Auth auth{rules(), 1};
  Authenticator one{&auth, 0};
};

}  // namespace

TEST_CASE("an Authenticator without Auth lets everybody do all") {
  Authenticator none(nullptr, 0);
  CHECK_FALSE(none.on());
  CHECK_FALSE(none.begin_turn(at(kStart)));
  CHECK(none.anonymous()->may_publish("a"));
  CHECK(none.anonymous()->may_subscribe("#"));
  CHECK(none.next_deadline() == Instant::never());
}

TEST_CASE("who has no token may do what everybody may") {
  AuthRules open = rules();
  open.anonymous.subscribe = {"public/#"};
  Auth auth(std::move(open), 1);
  Authenticator one(&auth, 0);
  CHECK(one.anonymous()->may_subscribe("public/a"));
  CHECK_FALSE(one.anonymous()->may_subscribe("a"));
  CHECK_FALSE(one.anonymous()->may_publish("public/a"));
}

TEST_CASE("a token is checked once, and remembered until it expires") {
  Bench bench;
  (void)bench.one.begin_turn(at(kStart));
  const std::string token = token_of("ann");
  const auto first = bench.one.check(token);
  REQUIRE(first);
  CHECK((*first)->subject == "ann");
  CHECK((*first)->by == Identity::By::token);
  CHECK(*bench.one.check(token) == *first);
  CHECK(bench.one.counters().checks == 1);
  CHECK(bench.one.counters().accepted == 2);
  (void)bench.one.begin_turn(at(kStart + 100));
  CHECK(bench.one.check(token).error() == TokenError::expired);
  CHECK(bench.one.counters().refused[static_cast<std::size_t>(TokenError::expired)] == 1);
}

TEST_CASE("no more tokens are remembered than there is room for") {
  Bench bench;
  for (std::size_t i = 0; i < Authenticator::kRememberedMax + 1; ++i) {
    (void)bench.one.begin_turn(at(kStart));
    REQUIRE(bench.one.check(token_of("s" + std::to_string(i))));
  }
  const auto checks = bench.one.counters().checks;
  REQUIRE(bench.one.check(token_of("s1")));
  CHECK(bench.one.counters().checks == checks);
  REQUIRE(bench.one.check(token_of("s0")));  // the oldest
  CHECK(bench.one.counters().checks == checks + 1);
}

TEST_CASE("a turn checks so many signatures, and the others in the order in which they came") {
  Bench bench;
  (void)bench.one.begin_turn(at(kStart));
  for (std::uint32_t i = 0; i < Authenticator::kChecksPerTurn; ++i) {
    const std::string token = token_of("s" + std::to_string(i));
    REQUIRE(bench.one.has_time_for(token));
    REQUIRE(bench.one.check(token));
  }
  CHECK_FALSE(bench.one.has_time_for(token_of("late")));
  CHECK(bench.one.has_time_for(token_of("s0")));  // which is known
  CHECK_FALSE(bench.one.take_waiting());
  constexpr std::uint32_t kWaiting = Authenticator::kChecksPerTurn + 1;
  for (std::uint32_t i = 0; i < kWaiting; ++i) bench.one.wait({.index = i, .generation = 0});
  CHECK(bench.one.anybody_waits());
  (void)bench.one.begin_turn(at(kStart));
  CHECK_FALSE(bench.one.has_time_for(token_of("overtakes")));
  std::vector<std::uint32_t> order;
  while (const auto slot = bench.one.take_waiting()) {
    const std::string token = token_of("w" + std::to_string(slot->index));
    REQUIRE(bench.one.has_time_for(token));
    REQUIRE(bench.one.check(token));
    order.push_back(slot->index);
  }
  CHECK(order.size() == Authenticator::kChecksPerTurn);
  for (std::uint32_t i = 0; i < order.size(); ++i) CHECK(order[i] == i);
  CHECK(bench.one.anybody_waits());
  (void)bench.one.begin_turn(at(kStart));
  CHECK(bench.one.take_waiting()->index == kWaiting - 1);
  CHECK_FALSE(bench.one.take_waiting());
  CHECK(bench.one.has_time_for(token_of("next")));
}

TEST_CASE("what is revoked is let in no more, and holds no longer") {
  Bench bench;
  (void)bench.one.begin_turn(at(kStart));
  const std::string token = token_of("ann");
  const auto ann = bench.one.check(token);
  REQUIRE(ann);
  CHECK(bench.one.still_holds(**ann));
  AuthRules next = rules();
  REQUIRE(next.revoked.add("sub:ann"));
  bench.auth.replace(std::move(next));
  CHECK(bench.one.begin_turn(at(kStart)));
  CHECK_FALSE(bench.one.begin_turn(at(kStart)));
  CHECK(bench.one.check(token).error() == TokenError::revoked);
  CHECK_FALSE(bench.one.still_holds(**ann));
  CHECK(bench.one.still_holds(*bench.one.anonymous()));
}

TEST_CASE("a token whose key is gone holds no longer") {
  Bench bench;
  (void)bench.one.begin_turn(at(kStart));
  const auto ann = bench.one.check(token_of("ann"));
  REQUIRE(ann);
  AuthRules same = rules();
  bench.auth.replace(std::move(same));
  CHECK(bench.one.begin_turn(at(kStart)));
  CHECK(bench.one.still_holds(**ann));
  AuthRules other;
  REQUIRE(other.tokens.keys.add("", "another secret of 32 bytes or more ..."));
  bench.auth.replace(std::move(other));
  CHECK(bench.one.begin_turn(at(kStart)));
  CHECK_FALSE(bench.one.still_holds(**ann));
}

TEST_CASE("Auth lets go of rules when every shard has asked since") {
  Auth auth(rules(), 2);
  (void)auth.rules(0);
  (void)auth.rules(1);
  auth.replace(rules());
  CHECK(auth.versions() == 2);
  (void)auth.rules(0);
  auth.replace(rules());
  CHECK(auth.versions() == 3);  // shard 1 sleeps
  (void)auth.rules(0);
  (void)auth.rules(1);
  auth.replace(rules());
  CHECK(auth.versions() == 2);
}

TEST_CASE("connections are looked at when their time has come, and not before") {
  Bench bench;
  (void)bench.one.begin_turn(at(kStart));
  bench.one.watch({.index = 2, .generation = 0}, kStart + 20);
  bench.one.watch({.index = 1, .generation = 0}, kStart + 10);
  CHECK_FALSE(bench.one.take_due());
  CHECK(bench.one.next_deadline() == at(kStart + 10).monotonic);
  (void)bench.one.begin_turn(at(kStart + 10));
  CHECK(bench.one.take_due()->index == 1);
  CHECK_FALSE(bench.one.take_due());
  (void)bench.one.begin_turn(at(kStart + 100));
  CHECK(bench.one.take_due()->index == 2);
  CHECK(bench.one.next_deadline() == Instant::never());
  bench.one.watch({.index = 1, .generation = 0}, kStart + 100'000);
  CHECK(bench.one.next_deadline() == at(kStart + 160).monotonic);  // the wall clock may be set meanwhile
}

TEST_CASE("connections that come and go leave no entries behind") {
  Bench bench;
  (void)bench.one.begin_turn(at(kStart));
  const SlotId stays{.index = 0, .generation = 0};
  bench.one.watch(stays, kStart + 50'000);
  const auto is_open = [&](SlotId slot) { return slot == stays; };
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    bench.one.watch({.index = 1, .generation = i}, kStart + 90'000);  // tokens that hold for a day
    bench.one.watch(stays, kStart + 80'000 - i);                      // refreshed, each by an earlier one
    bench.one.forget_gone(1, is_open);
    REQUIRE(bench.one.watched() <= 2 + Authenticator::kWatchedSlack);
  }
  (void)bench.one.begin_turn(at(kStart + 50'000));
  CHECK(*bench.one.take_due() == stays);  // the earliest is still there
  CHECK_FALSE(bench.one.take_due());
}

TEST_CASE("entries are kept while they may all be of open connections") {
  Bench bench;
  (void)bench.one.begin_turn(at(kStart));
  const std::size_t kept = 2 * 10 + Authenticator::kWatchedSlack;
  for (std::uint32_t i = 0; i < kept; ++i) bench.one.watch({.index = i, .generation = 0}, kStart + 10);
  bench.one.forget_gone(10, [](SlotId) { return false; });
  CHECK(bench.one.watched() == kept);
  bench.one.watch({.index = 0, .generation = 0}, kStart + 10);
  bench.one.forget_gone(10, [](SlotId) { return false; });
  CHECK(bench.one.watched() == 0);
}
