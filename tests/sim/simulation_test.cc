#include "tests/sim/simulation.h"

#include <doctest/doctest.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "tests/sim/shrink.h"
#include "tests/sim/trial.h"

using namespace ringcast::sim;

// So that a crash inside the shards goes through doctest too, which prints the seed.
extern "C" const char* __asan_default_options() {
  return "abort_on_error=1";
}
extern "C" const char* __ubsan_default_options() {
  return "abort_on_error=1:print_stacktrace=1";
}

namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::optional<Plan> plan_from_environment() {
  if (const char* text = std::getenv("RINGCAST_PLAN")) {
    const auto plan = Plan::read(text);
    REQUIRE_MESSAGE(plan.has_value(), "RINGCAST_PLAN is no plan");
    return plan;
  }
  const std::uint64_t seed = number_from_environment("RINGCAST_SEED", 0);
  if (seed == 0) return std::nullopt;
  return Plan{.seed = seed, .actions = {}, .values = {}};
}

std::string shrunk_text(const Plan& plan) {
  constexpr std::chrono::seconds kMost{60};
  const auto shrunk = shrink(plan, kMost);
  if (!shrunk) return "it does not fail by itself";
  return "shrunk by " + std::to_string(shrunk->trials) + " trials to " + std::to_string(shrunk->actions) +
         " actions: " + shrunk->text + "\n  RINGCAST_TRACE=1 RINGCAST_PLAN='" + shrunk->plan.text() + "' sim_tests";
}

void print(const Simulation::Tally& tally, std::uint64_t seeds, std::chrono::steady_clock::time_point began) {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf(
      "%llu seeds in %.1f s: steps %llu, sequenced %llu, delivered %llu, in full %llu, streamed %llu, told missing "
      "%llu, recovered %llu, conflated %llu, gaps %llu, answered %llu, stalls %llu, "
      "starved %llu, blocked %llu, too slow %llu, handed over %llu\n",
      static_cast<unsigned long long>(seeds), took.count(), static_cast<unsigned long long>(tally.steps),
      static_cast<unsigned long long>(tally.messages), static_cast<unsigned long long>(tally.deliveries),
      static_cast<unsigned long long>(tally.full), static_cast<unsigned long long>(tally.streamed),
      static_cast<unsigned long long>(tally.lags), static_cast<unsigned long long>(tally.recovered),
      static_cast<unsigned long long>(tally.conflated), static_cast<unsigned long long>(tally.gaps),
      static_cast<unsigned long long>(tally.answers), static_cast<unsigned long long>(tally.stalls),
      static_cast<unsigned long long>(tally.starved), static_cast<unsigned long long>(tally.blocked),
      static_cast<unsigned long long>(tally.too_slow), static_cast<unsigned long long>(tally.handed_over));
}

}  // namespace

// RINGCAST_SEED=n replays one seed in this process, for a debugger; RINGCAST_SEEDS=n runs seeds 1 to n. A seed that
// fails is shrunk, and what is left of it is printed as a plan: RINGCAST_PLAN='…' runs that. RINGCAST_TRACE=1 prints
// what clients of the full protocol ask and are told. RINGCAST_GO_ON=1 prints all seeds that fail and shrinks none.
TEST_CASE("shards keep the delivery contract in every simulated world") {
  const auto began = std::chrono::steady_clock::now();
  Simulation::Tally tally;
  if (const auto plan = plan_from_environment()) {
    CAPTURE(plan->text());
    try {
      tally += Simulation(*plan).run();
    } catch (const Failure& failure) {
      FAIL(plan->text() << ": " << std::string(failure.what()));
    }
    return print(tally, 1, began);
  }
  const std::uint64_t first = number_from_environment("RINGCAST_FIRST_SEED", 1);
  const std::uint64_t seeds = number_from_environment("RINGCAST_SEEDS", 1'000);
  const std::uint64_t last = first + seeds - 1;
  auto failed = try_seeds(first, last, tally);
  while (failed && std::getenv("RINGCAST_GO_ON") != nullptr) {
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(failed->seed), failed->text.c_str());
    failed = try_seeds(failed->seed + 1, last, tally);
  }
  print(tally, seeds, began);
  if (failed) {
    const std::string shrunk = shrunk_text({.seed = failed->seed, .actions = {}, .values = {}});
    FAIL("seed " << failed->seed << ": " << failed->text << "\n" << shrunk);
  }
  CHECK(tally.deliveries > 10 * (seeds - 1));  // else the runs are about nothing
  CHECK(tally.full > 10 * (seeds - 1));
  CHECK(tally.recovered >= seeds / 20);
  CHECK(tally.conflated >= seeds / 50);
  CHECK(tally.gaps >= seeds / 20);
}

TEST_CASE("a plan is read as it was written") {
  const Plan plan{.seed = 7, .actions = std::vector<std::size_t>{0, 1, 2, 5, 7, 8}, .values = {{"clients", 2}}};
  CHECK(plan.text() == "seed=7 actions=0-2+5+7-8 clients=2");
  const auto read = Plan::read(plan.text());
  REQUIRE(read.has_value());
  CHECK(read->text() == plan.text());
  CHECK(Plan::read("seed=3")->text() == "seed=3");
  CHECK(Plan::read("seed=3 actions=")->actions->empty());
  for (const char* bad : {"seed=x", "seed", "seed=1 clients=-1", "actions=1+b", "actions=1-x"}) {
    CAPTURE(bad);
    CHECK(!Plan::read(bad).has_value());
  }
}
