#include "topics/idempotency_keys.h"

#include <doctest/doctest.h>
#include <cstdint>
#include <deque>

#include "tests/topics/random.h"

using namespace ringcast::topics;
using Verdict = IdempotencyKeys::Verdict;
using First = IdempotencyKeys::First;

TEST_CASE("a key with its body again gets what became of the first; with another body it is reused") {
  IdempotencyKeys keys({});
  const KeyedBody publish{.key_high = 1, .key_low = 2, .body = 3};
  CHECK(keys.check(publish, 0).verdict == Verdict::fresh);
  CHECK(keys.size() == 0);
  keys.record(publish, {.seq = 10, .position = 20, .time_us = 30}, 0);
  const IdempotencyKeys::Checked again = keys.check(publish, 1);
  CHECK(again.verdict == Verdict::duplicate);
  CHECK(again.first.seq == 10);
  CHECK(again.first.position == 20);
  CHECK(again.first.time_us == 30);
  CHECK(keys.check({.key_high = 1, .key_low = 2, .body = 4}, 1).verdict == Verdict::reused);
}

TEST_CASE("keys that share one half are two keys") {
  IdempotencyKeys keys({});
  keys.record({.key_high = 1, .key_low = 2}, {}, 0);
  CHECK(keys.check({.key_high = 9, .key_low = 2}, 0).verdict == Verdict::fresh);
  CHECK(keys.check({.key_high = 1, .key_low = 9}, 0).verdict == Verdict::fresh);
  CHECK(keys.check({.key_high = 1, .key_low = (std::uint64_t{1} << 32) + 2}, 0).verdict == Verdict::fresh);
}

TEST_CASE("a key is kept for kept_ms from its first use, whether repeated or not") {
  IdempotencyKeys keys({.kept_ms = 100});
  const KeyedBody publish{.key_high = 1, .key_low = 2, .body = 3};
  keys.record(publish, {.seq = 1}, 1'000);
  CHECK(keys.check(publish, 1'099).verdict == Verdict::duplicate);
  CHECK(keys.check(publish, 1'100).verdict == Verdict::fresh);
  keys.record({.key_high = 1, .key_low = 2, .body = 4}, {.seq = 2}, 1'100);
  keys.check_invariants();
  CHECK(keys.size() == 1);
  CHECK(keys.check({.key_high = 1, .key_low = 2, .body = 4}, 1'199).first.seq == 2);
}

TEST_CASE("keys_max keys are kept, and one more makes the oldest go") {
  IdempotencyKeys keys({.keys_max = 3});
  for (std::uint64_t key = 1; key <= 3; ++key) keys.record({.key_low = key}, {.seq = key}, 0);
  CHECK(keys.check({.key_low = 1}, 0).first.seq == 1);
  keys.record({.key_low = 4}, {.seq = 4}, 0);
  CHECK(keys.size() == 3);
  CHECK(keys.check({.key_low = 1}, 0).verdict == Verdict::fresh);
  CHECK(keys.check({.key_low = 2}, 0).verdict == Verdict::duplicate);
  keys.check_invariants();
}

TEST_CASE("keys agree with the plain model after every step of a random life") {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    const IdempotencyKeys::Options options{.keys_max = 1 + random.below(12), .kept_ms = 200};
    struct Known {
      KeyedBody publish;
      First first;
      std::int64_t at_ms;
    };
    IdempotencyKeys keys(options);
    std::deque<Known> model;  // only those in the window, oldest first
    std::int64_t now_ms = 0;
    for (int step = 0; step < 1'500; ++step) {
      CAPTURE(step);
      now_ms += random.percent(3) ? 150 : random.below(15);
      while (!model.empty() && (now_ms - model.front().at_ms >= options.kept_ms || model.size() > options.keys_max)) {
        model.pop_front();
      }
      const KeyedBody publish{.key_high = random.below(2), .key_low = random.below(12), .body = random.below(2)};
      const auto checked = keys.check(publish, now_ms);
      const Known* known = nullptr;
      for (const Known& one : model) {
        if (one.publish.key_high == publish.key_high && one.publish.key_low == publish.key_low) known = &one;
      }
      if (known == nullptr) {
        REQUIRE(checked.verdict == Verdict::fresh);
        if (random.percent(10)) continue;  // it was refused, so it is not recorded
        const First first{.seq = random.word(), .position = random.word()};
        keys.record(publish, first, now_ms);
        model.push_back({publish, first, now_ms});
      } else {
        REQUIRE(checked.verdict == (known->publish.body == publish.body ? Verdict::duplicate : Verdict::reused));
        if (checked.verdict == Verdict::duplicate) REQUIRE(checked.first.seq == known->first.seq);
        if (checked.verdict == Verdict::duplicate) REQUIRE(checked.first.position == known->first.position);
      }
      keys.check_invariants();
    }
  }
}
