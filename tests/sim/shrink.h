// Shrinking: of a plan that fails, a smaller one that fails too: fewer actions, then a simpler world, then again.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "tests/sim/plan.h"

namespace ringcast::sim {

struct Shrunk {
  Plan plan;
  std::string text;         // what goes wrong in it
  std::size_t trials = 0;   // that it took
  std::size_t actions = 0;  // that are left
};

// Nothing if the plan does not fail. Ends with what it has when the time is up. What goes wrong may change on the way:
// any failure is one.
[[nodiscard]] std::optional<Shrunk> shrink(const Plan& plan, std::chrono::seconds most);

}  // namespace ringcast::sim
