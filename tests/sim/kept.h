// Kept: what a home may have let go of, by the rules of its histories: the plain model that openings are judged by.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/config.h"
#include "tests/sim/ledger.h"

namespace ringcast::sim {

class Kept {
 public:
  explicit Kept(const broker::Config& config) : config_(config) {}

  // How many messages of a topic are kept.
  [[nodiscard]] std::size_t last(const Ledger::Topic& topic) const;
  // That the history may have let go of a change since.
  [[nodiscard]] bool gone(const Ledger::Topic& topic, const Ledger::Change& change) const;
  // That a home may forget topics, or keep nothing at all of one: then a gap may be said.
  [[nodiscard]] bool forgets() const;

 private:
  const broker::Config& config_;
};

}  // namespace ringcast::sim
