#include "tests/sim/simulation.h"

#include <doctest/doctest.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

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

}  // namespace

// RINGCAST_SEED=n replays one seed; RINGCAST_SEEDS=n runs seeds 1 to n. RINGCAST_TRACE=1 prints what clients of the full
// protocol ask and are told.
TEST_CASE("shards keep the delivery contract in every simulated world") {
  const std::uint64_t one = number_from_environment("RINGCAST_SEED", 0);
  const std::uint64_t first = one == 0 ? 1 : one;
  const std::uint64_t last = one == 0 ? number_from_environment("RINGCAST_SEEDS", 1'000) : one;
  const auto began = std::chrono::steady_clock::now();
  Simulation::Tally tally;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    CAPTURE(seed);
    try {
      tally += Simulation(seed).run();
    } catch (const Failure& failure) {
      FAIL("seed " << seed << ": " << std::string(failure.what()));
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf(
      "%llu seeds in %.1f s: steps %llu, sequenced %llu, delivered %llu, in full %llu, answered %llu, stalls %llu, "
      "starved %llu, "
      "blocked %llu, too slow %llu, handed over %llu\n",
      static_cast<unsigned long long>(last - first + 1), took.count(), static_cast<unsigned long long>(tally.steps),
      static_cast<unsigned long long>(tally.messages), static_cast<unsigned long long>(tally.deliveries),
      static_cast<unsigned long long>(tally.full), static_cast<unsigned long long>(tally.answers),
      static_cast<unsigned long long>(tally.stalls), static_cast<unsigned long long>(tally.starved),
      static_cast<unsigned long long>(tally.blocked), static_cast<unsigned long long>(tally.too_slow),
      static_cast<unsigned long long>(tally.handed_over));
  if (one != 0) return;
  CHECK(tally.deliveries > 10 * (last - first));  // else the runs are about nothing
  CHECK(tally.full > 10 * (last - first));
}
