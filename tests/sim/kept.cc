#include "tests/sim/kept.h"

#include <algorithm>

#include "topics/name.h"

namespace ringcast::sim {

const broker::HistoryRule* Kept::rule(const Topic& topic) const {
  const auto found = std::ranges::find_if(
      config_.history_rules, [&](const broker::HistoryRule& rule) { return topics::matches(rule.filter, topic.name); });
  return found == config_.history_rules.end() ? nullptr : &*found;
}

std::size_t Kept::last(const Topic& topic) const {
  const broker::HistoryRule* const found = rule(topic);
  return found == nullptr ? config_.history : found->last.value_or(config_.history);
}

std::uint64_t Kept::bytes(const Topic& topic) const {
  const broker::HistoryRule* const found = rule(topic);
  return found == nullptr ? config_.history_bytes : found->bytes.value_or(config_.history_bytes);
}

std::int64_t Kept::ttl_ms(const Topic& topic) const {
  const broker::HistoryRule* const found = rule(topic);
  return found == nullptr ? config_.history_ttl_ms : found->ttl_ms.value_or(config_.history_ttl_ms);
}

std::int64_t Kept::age_ms(const Topic& topic) const {
  const broker::HistoryRule* const found = rule(topic);
  return found == nullptr ? config_.history_age_ms : found->age_ms.value_or(config_.history_age_ms);
}

// Too many or too many bytes came after it, it is too old, or its topic was forgotten.
bool Kept::gone(const Topic& topic, const Change& change) const {
  if (change.kept <= topic.forgotten) return true;
  const std::size_t after = topic.kept.size() - change.kept;
  if (after >= last(topic)) return true;
  for (std::uint64_t seq = change.seq; seq <= topic.changes.size(); ++seq) {
    if (may_be_forgotten_after(topic, topic.changes[seq - 1])) return true;
  }
  if (after == 0) return false;
  const std::int64_t age_us = age_ms(topic) * 1'000;
  if (age_us > 0 && static_cast<std::int64_t>(change.time_us) < now_.utc_us - age_us) return true;
  const std::uint64_t bytes_max = bytes(topic);
  if (bytes_max == broker::kHistoryBytesMax) return false;
  std::uint64_t sum = 0;
  for (std::size_t i = change.kept - 1; i < topic.kept.size(); ++i) sum += topic.kept_change(i).bytes;
  return sum > bytes_max;
}

bool Kept::may_be_forgotten_after(const Topic& topic, const Change& change) const {
  if (change.hole || now_.monotonic.ms - change.at_ms < config_.forget_after_ms) return false;
  const Change* const value = change.kept == 0 ? nullptr : &topic.kept_change(change.kept - 1);
  const bool has_value = value != nullptr && value->op == proto::Op::set && last(topic) > 0;
  if (has_value) return false;
  const Change* next = nullptr;
  for (std::uint64_t seq = change.seq + 1; seq <= topic.changes.size() && next == nullptr; ++seq) {
    if (!topic.changes[seq - 1].hole) next = &topic.changes[seq - 1];
  }
  return (next == nullptr ? now_.monotonic.ms : next->at_ms) - change.at_ms >= config_.forget_after_ms;
}

bool Kept::forgets_since(const Ledger& ledger, std::uint32_t origin, std::uint64_t position) const {
  return std::ranges::any_of(ledger.topics(), [&](const Topic& topic) {
    return topic.origin == origin && std::ranges::any_of(topic.changes, [&](const Change& change) {
             return change.position > position && may_be_forgotten_after(topic, change);
           });
  });
}

}  // namespace ringcast::sim
