// Lag under the budget of the process: who gives way, and how much of it is this shard's to give back.
#include <algorithm>
#include <functional>

#include "broker/lag.h"
#include "broker/memory_use.h"

namespace ringcast::broker {

// Each shard gives back its share of what is too much, and of an eighth of the budget more, so that it lasts a while.
void Lag::keep_budget(Instant now) {
  const std::uint64_t used = pinned();
  place_.memory.publish(place_.shard, used);
  if (place_.memory_budget == 0) return;
  const std::uint64_t total = place_.memory.total();
  publish_worst(total, now);
  if (total <= place_.memory_budget) {
    over_since_ = Instant::never();
    return;
  }
  over_since_ = std::min(over_since_, now);
  if (!has_time()) return;
  const double share = static_cast<double>(used) / static_cast<double>(total);
  const auto too_much = static_cast<double>(total - place_.memory_budget);
  const auto back = static_cast<std::uint64_t>(share * (too_much + static_cast<double>(place_.memory_budget) / 8));
  relieve(used - std::min(used, back), used - static_cast<std::uint64_t>(share * too_much), now);
  place_.memory.publish(place_.shard, pinned());
}

// Once a millisecond, from half of the budget on: so it is known when the budget is exceeded.
void Lag::publish_worst(std::uint64_t total, Instant now) {
  if (total <= place_.memory_budget / 2) return place_.memory.publish_worst(place_.shard, {});
  if (now == worst_told_) return;
  worst_told_ = now;
  MemoryUse::Worst worst;
  for (const Waiting& one : waiting()) {
    worst.outbox_bytes = std::max<std::uint64_t>(worst.outbox_bytes, one.outbox_bytes);
    worst.all_bytes = std::max<std::uint64_t>(worst.all_bytes, one.all_bytes);
  }
  place_.memory.publish_worst(place_.shard, worst);
}

// Who pins less is left alone as long as somebody pins so much, on whatever shard: a shard may have nobody but healthy
// subscribers that are about to be sent what waits. When the worst have given way, others are the worst.
std::uint64_t Lag::among_worst(std::uint64_t worst_bytes) noexcept {
  return std::max<std::uint64_t>(kWorthDealingBytes, worst_bytes / 4 * 3);
}

// Down to `goal` bytes by what the worst laggards agreed to; down to `must` by closing them.
void Lag::relieve(std::uint64_t goal, std::uint64_t must, Instant now) {
  const MemoryUse::Worst worst = place_.memory.worst();
  std::vector<Waiting> all = waiting();
  std::ranges::sort(all, std::ranges::greater{}, &Waiting::outbox_bytes);
  for (const std::uint64_t least = among_worst(worst.outbox_bytes); const Waiting& one : all) {
    if (pinned() <= goal || !has_time()) return;
    if (one.outbox_bytes < least) break;
    ++counters_.over_budget;
    fall_behind(one.slot, *sessions_.find(one.slot), Why::budget, now);
  }
  if (now - over_since_ < kPatienceMs) return;  // others may still give back
  all = waiting();
  std::ranges::sort(all, std::ranges::greater{}, &Waiting::all_bytes);
  for (const std::uint64_t least = among_worst(worst.all_bytes); const Waiting& one : all) {
    if (pinned() <= must || !has_time() || one.all_bytes < least) return;
    ++counters_.over_budget;
    close(one.slot, *sessions_.find(one.slot), Why::budget, now);
  }
}

std::vector<Lag::Waiting> Lag::waiting() {
  std::vector<Waiting> waiting;
  for (const SlotId slot : sessions_.blocked_slots()) {
    const Session* session = sessions_.find(slot);
    if (session == nullptr || session->phase >= Phase::closing) continue;
    const std::size_t outbox_bytes = SessionTable::pinned_bytes(*session);
    waiting.push_back(
        {.slot = slot, .outbox_bytes = outbox_bytes, .all_bytes = outbox_bytes + latest_.pinned_bytes(*session)});
  }
  return waiting;
}

}  // namespace ringcast::broker
