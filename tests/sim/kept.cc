#include "tests/sim/kept.h"

#include <algorithm>

#include "topics/name.h"

namespace ringcast::sim {

std::size_t Kept::last(const Ledger::Topic& topic) const {
  for (const broker::HistoryRule& rule : config_.history_rules) {
    if (topics::matches(rule.filter, topic.name)) return rule.last.value_or(config_.history);
  }
  return config_.history;
}

// So many came after it.
bool Kept::gone(const Ledger::Topic& topic, const Ledger::Change& change) const {
  return topic.kept.size() - change.kept >= last(topic);
}

bool Kept::forgets() const {
  return std::ranges::any_of(config_.history_rules, [](const broker::HistoryRule& rule) { return rule.last == 0U; });
}

}  // namespace ringcast::sim
