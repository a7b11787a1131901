// Never silence: a subscriber that is cut off at random places, again and again, and goes on with what it has: EVERY,
// also while it falls behind, and LATEST. What it was told is held against all that was published
// (tests/broker/wanderer.h).
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>

#include "tests/broker/wanderer.h"

namespace ringcast::broker::test {

namespace {

struct World {
  std::uint64_t seed = 0;
  std::uint32_t history = 1;
  Wanderer::Kind kind = Wanderer::Kind::every;
  bool large = false;  // messages are many bytes: it falls behind by size, else by age

  [[nodiscard]] bool lags() const noexcept { return kind == Wanderer::Kind::degrade || kind == Wanderer::Kind::skip; }
};

constexpr std::uint64_t kTopics = 9;
constexpr std::size_t kLargeBytes = 6 * kKiB;

FullBench::Options options_of(const World& world) {
  FullBench::Options options{.shards = 3};
  options.config.history = world.history;
  options.config.ping_interval_ms = 1'000'000;  // nobody here answers pings
  if (!world.lags()) return options;
  options.config.lag_age_max_ms = 500;
  options.config.outbox_max_bytes = 130 * kKiB;
  options.config.max_message_bytes = 64 * kKiB;
  return options;
}

class Journey {
 public:
  explicit Journey(const World& world)
      : world_(world),
        random_(world.seed),
        bench_(options_of(world)),
        truth_(bench_, "a/#"),
        publisher_(bench_.connect(0)),
        wanderer_(bench_, kFilters[random_() % 3], world.kind) {}

  Wanderer::Counters run() {
    for (int round = 0; round < kRounds; ++round) step();
    if (wanderer_.connected() && wanderer_.lost()) wanderer_.cut(random_);
    if (!wanderer_.connected()) wanderer_.connect(0);
    wanderer_.set_reading(true);
    bench_.settle();
    for (std::uint64_t i = 0; i < kTopics; ++i) publish(i, "set");
    for (int i = 0; i < 4; ++i) {
      bench_.settle();
      pass(FullSession::kCheckpointIntervalMs + 50);
    }
    wanderer_.read();
    truth_.read();
    wanderer_.check_end(truth_);
    return wanderer_.counters();
  }

 private:
  static constexpr int kRounds = 40;
  static constexpr const char* kFilters[] = {"a/#", "a/+", "a/3"};

  void publish(std::uint64_t topic, const char* op) {
    const std::string text(world_.large ? kLargeBytes : 1, 'x');
    bench_.whisper(publisher_, R"({"publish":{"topic":"a/)" + std::to_string(topic) + R"(","op":")" + op + R"(")" +
                                   (op[0] == 'r' ? "" : R"(,"text":")" + text + "\"") + "}}");
  }
  void publish_some() { publish(random_() % kTopics, random_() % 8 == 0 ? "remove" : "set"); }
  void pass(std::int64_t ms) {
    bench_.now.monotonic = bench_.now.monotonic + ms;
    bench_.now.utc_us += 1'000 * ms + 1;
  }

  void step() {
    for (std::size_t more = random_() % (world_.large ? 40 : 12); more > 0; --more) publish_some();
    if (!wanderer_.connected()) wanderer_.connect(static_cast<std::uint32_t>(random_() % 3));
    for (std::size_t turns = random_() % 12; turns > 0; --turns) {
      (void)bench_.turn();
      ++bench_.now.utc_us;
      if (random_() % 3 == 0) publish_some();
    }
    pass(static_cast<std::int64_t>(random_() % (world_.lags() ? 900 : 200)));
    const std::size_t next = random_() % 8;
    if (next < 3 || wanderer_.lost()) {
      wanderer_.cut(random_);
    } else if (next < 5) {
      bench_.settle();
      wanderer_.read();
    } else if (world_.lags()) {
      wanderer_.set_reading(!wanderer_.reading());
    }
    truth_.read();
  }

  const World world_;
  std::mt19937_64 random_;
  FullBench bench_;
  Truth truth_;
  Client& publisher_;
  Wanderer wanderer_;
};

// What came of all worlds together.
struct Sum {
  Wanderer::Counters of;

  void add(const World& world) {
    CAPTURE(world.seed);
    CAPTURE(world.history);
    CAPTURE(world.large);
    const Wanderer::Counters counters = Journey(world).run();
    if (world.history >= 1'000 || world.kind == Wanderer::Kind::latest) REQUIRE(counters.gaps == 0);
    of.recovered += counters.recovered;
    of.conflated += counters.conflated;
    of.gaps += counters.gaps;
    of.lags += counters.lags;
    of.repeats += counters.repeats;
  }
};

Sum journeys(Wanderer::Kind kind, std::uint64_t seeds) {
  Sum sum;
  const bool lags = World{.kind = kind}.lags();
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    for (const std::uint32_t history : {1U, 4U, 1'000U}) {
      sum.add({.seed = seed, .history = history, .kind = kind, .large = lags && seed % 6 == 0});
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("resume: who catches up in many turns is told what was merged before a checkpoint covers it") {
  FullBench::Options options = options_of({.history = 1'000, .kind = Wanderer::Kind::degrade});
  options.config.lag_age_max_ms = 1'000'000;
  FullBench bench(options);
  Truth truth(bench, "a/#");
  Client& publisher = bench.connect(0);
  const auto publish = [&](int topic) {
    bench.whisper(publisher, R"({"publish":{"topic":"a/)" + std::to_string(topic) + R"(","text":")" +
                                 std::string(kLargeBytes, 'x') + R"("}})");
    bench.settle();
  };
  Wanderer wanderer(bench, "a/#", Wanderer::Kind::degrade);
  wanderer.connect(1);
  bench.settle();
  wanderer.read();
  wanderer.set_reading(false);
  for (int i = 0; i < 100; ++i) publish(i % 50);  // it falls behind, and is owed each topic
  truth.read();
  wanderer.set_reading(true);
  for (int i = 0; i < 20; ++i) {
    bench.now.monotonic = bench.now.monotonic + FullSession::kCheckpointIntervalMs;
    (void)bench.turn();
    wanderer.read();
    wanderer.check_tokens(truth);
  }
  wanderer.check_end(truth);
  CHECK(wanderer.counters().lags > 2);
}

TEST_CASE("resume: over random cuts every message comes once and in order, or a gap is told") {
  const Sum sum = journeys(Wanderer::Kind::every, 12);
  CHECK(sum.of.recovered > 20);
  CHECK(sum.of.gaps > 20);
  CHECK(sum.of.repeats > 0);
}

TEST_CASE(
    "resume: over random cuts LATEST has the newest of each topic up to every checkpoint, and is never told a gap") {
  const Sum sum = journeys(Wanderer::Kind::latest, 12);
  CHECK(sum.of.recovered > 20);
  CHECK(sum.of.conflated > 20);
}

TEST_CASE("resume: who degrades is told of all that is missing before a checkpoint that covers it, over random cuts") {
  const Sum sum = journeys(Wanderer::Kind::degrade, 6);
  CHECK(sum.of.recovered > 20);
  CHECK(sum.of.gaps > 20);
  CHECK(sum.of.lags > 10);
}

TEST_CASE("resume: who skips is told of all that is missing before a checkpoint that covers it, over random cuts") {
  const Sum sum = journeys(Wanderer::Kind::skip, 6);
  CHECK(sum.of.recovered > 20);
  CHECK(sum.of.gaps > 20);
  CHECK(sum.of.lags > 10);
}

}  // namespace ringcast::broker::test
