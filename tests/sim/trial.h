// Trial: a run in a process of its own, so that one that crashes or never ends is a result like another.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/sim/plan.h"
#include "tests/sim/simulation.h"

namespace ringcast::sim {

struct Failed {
  std::uint64_t seed = 0;
  std::string text;
};

// Runs the plan's world. What went wrong, in words; nothing if all was well. What it prints itself goes nowhere.
[[nodiscard]] std::optional<std::string> try_plan(const Plan& plan);

// Runs the seeds from `first` to `last` in a process, up to the first one that fails, and adds up what they came to.
[[nodiscard]] std::optional<Failed> try_seeds(std::uint64_t first, std::uint64_t last, Simulation::Tally& tally);

}  // namespace ringcast::sim
