// Scenario: the world that a seed draws: how many shards, how small everything is, what goes wrong, what is done.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/config.h"
#include "broker/mesh.h"
#include "broker/shard.h"
#include "tests/sim/faults.h"
#include "tests/sim/network.h"
#include "tests/sim/random.h"

namespace ringcast::sim {

struct Scenario {
  enum class Kind : std::uint8_t {
    small,      // small messages through small buffers
    large,      // blocks that move, segments of their own, fragments, last values in many chunks
    slow,       // readers that stop for good, and enough bytes to be too many for them
    impatient,  // every timeout is short: anybody may be cut off
    limited,    // few connections, topics or bytes are allowed
  };

  // In two seeds of five clients speak the full protocol too; the others' worlds are without it.
  [[nodiscard]] static bool is_full(std::uint64_t seed) noexcept { return seed % 5 == 0 || seed % 5 == 4; }

  // In one seed of seven they may compress.
  [[nodiscard]] static bool compresses(std::uint64_t seed) noexcept { return seed % 7 == 6; }

  [[nodiscard]] static Scenario draw(Random& random, bool full);

  Kind kind = Kind::small;
  bool full = false;
  bool compression = false;
  bool floods = false;  // full clients publish more than may be unanswered, and subscribe to more than may be joining
  broker::Mesh::Options mesh;
  broker::Budget budget;
  Network::Options network;
  Faults faults;
  broker::Config config;
  std::vector<std::string> topics;
  std::vector<std::string> filters;
  std::size_t actions = 100;
  std::size_t clients_max = 14;     // at a time
  std::size_t payload_usual = 100;  // bytes
  std::size_t payload_max = 100;    // bytes
  std::size_t steps_between = 30;   // actions
  std::size_t ticks_permille = 20;  // milliseconds per thousand steps

 private:
  void draw_large(Random& random);
  void draw_slow();
  void draw_impatient(Random& random);
  void draw_limited(Random& random);
  void draw_full(Random& random);
};

}  // namespace ringcast::sim
