#include "perf/tally.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <set>
#include <vector>

using namespace ringcast::perf;

namespace {

Layout exact(std::uint32_t subscribers, std::uint32_t publishers, std::uint32_t topics) {
  return {
      .subscribers = subscribers, .streams = publishers, .topics = topics, .hears_all = std::vector<bool>(subscribers)};
}

}  // namespace

TEST_CASE("Ledger counts as a set and a highest number would, within its window") {
  constexpr std::uint32_t kSeed = 42;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 200; ++round) {
    // 1 to 100, a few swapped with near neighbours, a few doubled, a few missing.
    std::vector<std::uint32_t> numbers(100);
    std::iota(numbers.begin(), numbers.end(), 1);
    for (int i = 0; i < 5; ++i) {
      const std::size_t at = random() % 90;
      std::swap(numbers[at], numbers[at + random() % 9]);
      numbers.insert(numbers.begin() + static_cast<std::ptrdiff_t>(random() % 50 + 40), numbers[30 + random() % 20]);
      numbers.erase(numbers.begin() + static_cast<std::ptrdiff_t>(random() % 100));
    }
    std::set<std::uint32_t> seen;
    std::uint64_t doubled = 0;
    std::uint64_t late = 0;
    Ledger ledger(std::array<std::uint32_t, 1>{1});
    for (const std::uint32_t number : numbers) {
      if (!seen.empty() && number < *seen.rbegin() && !seen.contains(number)) ++late;
      if (!seen.insert(number).second) ++doubled;
      ledger.add(0, 0, number);
    }
    CHECK(ledger.doubled() == doubled);
    CHECK(ledger.out_of_order() == late);
    CHECK(ledger.distinct(0, 0) == seen.size());
  }
}

TEST_CASE("Ledger sees the first message doubled, and the first one missing") {
  Ledger ledger(std::array<std::uint32_t, 2>{1, 2});
  ledger.add(0, 0, 1);
  ledger.add(0, 0, 1);
  CHECK(ledger.doubled() == 1);
  ledger.add(1, 1, 2);
  CHECK(ledger.distinct(1, 1) == 1);
  ledger.add(1, 1, 1);
  CHECK(ledger.out_of_order() == 1);
  CHECK(ledger.distinct(1, 0) == 0);
}

TEST_CASE("Tally finds what was lost and what went to the wrong subscriber") {
  Tally tally(exact(4, 4, 2));  // subscribers 0 and 2 follow topic 0, with publishers 0 and 2
  for (const std::uint32_t subscriber : {0U, 2U}) {
    for (const std::uint32_t publisher : {0U, 2U}) tally.deliver(subscriber, {.stream = publisher, .number = 1}, 1);
  }
  CHECK(tally.lost({1, 0, 1, 0}) == 0);
  CHECK(tally.lost({2, 0, 1, 0}) == 2);  // both subscribers lack it
  CHECK(tally.lost({1, 1, 1, 0}) == 2);  // nobody of topic 1 got anything
  CHECK(tally.misrouted() == 0);
  tally.deliver(1, {.stream = 0, .number = 2}, 1);
  tally.deliver(0, {.stream = 4, .number = 2}, 1);
  CHECK(tally.misrouted() == 2);
  CHECK(tally.deliveries() == 4);
  CHECK(tally.deliveries_of(2) == 2);
}

TEST_CASE("Tally sees two subscribers that disagree about the order of two publishers") {
  Layout layout = exact(3, 2, 1);
  layout.hears_all[2] = true;
  Tally tally(layout);
  const Stamp a{.when_ns = 1, .stream = 0, .number = 1};
  const Stamp b{.when_ns = 1, .stream = 1, .number = 1};
  for (const std::uint32_t subscriber : {0U, 1U}) {
    tally.deliver(subscriber, a, 1);
    tally.deliver(subscriber, b, 1);
  }
  tally.deliver(2, a, 1);
  CHECK(tally.disagreements() == 1);
  tally.deliver(2, b, 1);
  CHECK(tally.disagreements() == 0);
  tally.deliver(1, {.when_ns = 1, .stream = 0, .number = 2}, 1);
  tally.deliver(1, {.when_ns = 1, .stream = 1, .number = 2}, 1);
  for (const std::uint32_t subscriber : {0U, 2U}) {
    tally.deliver(subscriber, {.when_ns = 1, .stream = 1, .number = 2}, 1);
    tally.deliver(subscriber, {.when_ns = 1, .stream = 0, .number = 2}, 1);
  }
  CHECK(tally.disagreements() == 1);
  CHECK(tally.ledger().out_of_order() == 0);  // each publisher alone is in order
}

TEST_CASE("Tally knows the topics of subscribers that follow several, also around the end") {
  Layout layout = exact(3, 10, 5);  // topics 0 1 2, 3 4 0, 1 2 3; two streams of each
  layout.each = 3;
  Tally tally(layout);
  std::vector<std::uint32_t> sent(10, 1);
  for (std::uint32_t subscriber = 0; subscriber < 3; ++subscriber) {
    for (std::uint32_t stream = 0; stream < 10; ++stream) {
      const std::uint32_t topic = stream % 5;
      const bool follows = (topic + 5 - subscriber * 3 % 5) % 5 < 3;
      const std::uint64_t misrouted = tally.misrouted();
      tally.deliver(subscriber, {.when_ns = 1, .stream = stream, .number = 1}, 1);
      CHECK(tally.misrouted() == misrouted + (follows ? 0 : 1));
    }
  }
  CHECK(tally.deliveries() == 18);
  CHECK(tally.lost(sent) == 0);
  CHECK(tally.disagreements() == 0);
  sent[4] = 2;  // only the second follows topic 4
  CHECK(tally.lost(sent) == 1);
  tally.deliver(0, {.when_ns = 1, .stream = 0, .number = 2}, 1);
  CHECK(tally.disagreements() == 1);
}

TEST_CASE("Tally takes latencies of messages due in the measured span only") {
  Tally tally(exact(1, 1, 1));
  tally.measure(100, 200);
  std::uint32_t number = 0;
  for (const std::uint64_t when : {99U, 100U, 199U, 200U}) {
    tally.deliver(0, {.when_ns = when, .stream = 0, .number = ++number}, when + 10);
  }
  CHECK(tally.latency().count() == 2);
  CHECK(tally.latency().max() == 10);
}
