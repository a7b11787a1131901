// Kept: what a home may have let go of, by the rules of its histories: the plain model that openings are judged by.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/config.h"
#include "broker/instant.h"
#include "tests/sim/ledger.h"

namespace ringcast::sim {

class Kept {
 public:
  using Change = Ledger::Change;
  using Topic = Ledger::Topic;

  Kept(const broker::Config& config, const Now& now) : config_(config), now_(now) {}

  // How much of a topic is kept at most: messages, and their bytes unless it is one.
  [[nodiscard]] std::size_t last(const Topic& topic) const;
  [[nodiscard]] std::uint64_t bytes(const Topic& topic) const;
  // After so long a value is removed, if nothing comes, and whatever comes; 0: never.
  [[nodiscard]] std::int64_t ttl_ms(const Topic& topic) const;
  [[nodiscard]] std::int64_t age_ms(const Topic& topic) const;

  // That the history may have let go of a change since.
  [[nodiscard]] bool gone(const Topic& topic, const Change& change) const;
  // That the topic had no value for so long, after this change, that its home may have forgotten it.
  [[nodiscard]] bool may_be_forgotten_after(const Topic& topic, const Change& change) const;
  // That a home may have forgotten a topic whose last message came after `position`.
  [[nodiscard]] bool forgets_since(const Ledger& ledger, std::uint32_t origin, std::uint64_t position) const;

 private:
  [[nodiscard]] const broker::HistoryRule* rule(const Topic& topic) const;

  const broker::Config& config_;
  const Now& now_;
};

}  // namespace ringcast::sim
