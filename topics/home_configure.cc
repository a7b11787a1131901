// Home: other settings while it is used.
#include <algorithm>
#include <cassert>
#include <utility>

#include "topics/home.h"

namespace ringcast::topics {

namespace {

constexpr std::uint32_t kTrimMax = 4'096;   // messages let go for one visit: some 50 us
constexpr std::size_t kRulesPerVisit = 16;  // rules are tried on a topic, each some 20 ns

}  // namespace

void Home::fill_rules() {
  assert(options_.history_rules.size() < kSetBit - 1U);
  std::vector<Rule>& rules = rules_[rule_set_ / kSetBit];
  rules.clear();
  rules.push_back(rule(options_.history));
  for (const HistoryRule& one : options_.history_rules) rules.push_back(rule(one));
  forget_after_ = ticks(options_.forget_after_ms) + 1;  // as a ttl
}

void Home::configure(Options options) {
  assert(options.origin == options_.origin);
  assert(reclassified_ >= topics_.end());
  const bool keeps_same = options.history == options_.history && options.history_rules == options_.history_rules &&
                          options.forget_after_ms == options_.forget_after_ms;
  options.key = options_.key;
  options_ = std::move(options);
  if (keeps_same) return;
  rule_set_ ^= kSetBit;
  fill_rules();
  reclassified_ = 0;
}

bool Home::reclassify(std::uint32_t visits) {
  const auto cost = static_cast<std::uint32_t>(1 + options_.history_rules.size() / kRulesPerVisit);
  for (; reclassified_ < topics_.end(); ++reclassified_) {
    if (visits == 0) return false;
    const Topic& topic = topics_[reclassified_];
    const bool has_it = (topic.rule & kSetBit) == rule_set_;  // it was made since
    if (!topic.used || !topic.published || has_it) {
      --visits;
      continue;
    }
    visits -= std::min(visits, cost);
    if (!adopt_rule(reclassified_)) return false;
  }
  reclassified_ = UINT32_MAX;
  return true;
}

// False when so much must go that there is more of it: until that is done the old rule counts.
bool Home::adopt_rule(std::uint32_t index) {
  Topic& topic = topics_[index];
  const std::uint16_t rule = rule_of(topic.name);
  const History::Trimmed trimmed = topic.history.trim(rule_at(rule).limits, kTrimMax, pool_);
  topic.lost_position = std::max(topic.lost_position, trimmed.lost_position);
  if (!trimmed.done) return false;
  topic.rule = rule;
  // Its deadlines are others: they are found out when it comes up.
  const Rule& adopted = rule_at(rule);
  if (std::min(adopted.ttl, adopted.age) != Deadlines::kNever || !has_value(topic)) look_at(index, now_ + 1);
  return true;
}

}  // namespace ringcast::topics
