// Plan: what a run is made from: a seed, and what of its world is left out or made smaller. Written as one line, so
// that a run can be repeated by one command:
//   seed=7 actions=0-3+9 clients=2 short_send=0
// Left out: all actions that the seed draws, and each value as the seed draws it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::sim {

struct Plan {
  std::uint64_t seed = 0;
  std::optional<std::vector<std::size_t>> actions;  // by number, rising; each has its own random numbers
  std::map<std::string, std::uint64_t> values;      // of Scenario::each_value()

  [[nodiscard]] std::string text() const;
  // Nothing if it is not what text() writes.
  [[nodiscard]] static std::optional<Plan> read(std::string_view text);
};

}  // namespace ringcast::sim
