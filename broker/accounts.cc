#include "broker/accounts.h"

#include <algorithm>
#include <cassert>

namespace ringcast::broker {

namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

constexpr std::int64_t kMostNs = Meter::kWaitMaxMs * kNsPerMs;

// How long so much lasts. Rounded down, so that there is room for all of a second's worth.
std::int64_t time_of(std::uint64_t amount, std::uint64_t per_second) noexcept {
  assert(per_second > 0);
  const double ns = static_cast<double>(amount) * static_cast<double>(kNsPerSecond) / static_cast<double>(per_second);
  return ns >= static_cast<double>(kMostNs) ? kMostNs : static_cast<std::int64_t>(ns);
}

}  // namespace

std::int64_t Meter::wait_ms(std::uint64_t per_second, Instant now) const noexcept {
  const std::int64_t used_ns =
      std::max<std::int64_t>(0, paid_until_ns_.load(std::memory_order_relaxed) - now.ms * kNsPerMs);
  const std::int64_t beyond_ns = used_ns + time_of(1, per_second) - kNsPerSecond;
  return beyond_ns <= 0 ? 0 : (beyond_ns + kNsPerMs - 1) / kNsPerMs;
}

void Meter::take(std::uint64_t amount, std::uint64_t per_second, Instant now) noexcept {
  const std::int64_t cost_ns = time_of(amount, per_second);
  const std::int64_t now_ns = now.ms * kNsPerMs;
  std::int64_t until_ns = paid_until_ns_.load(std::memory_order_relaxed);
  std::int64_t next_ns = 0;
  do {
    next_ns = std::min(std::max(until_ns, now_ns) + cost_ns, now_ns + kMostNs);
  } while (!paid_until_ns_.compare_exchange_weak(until_ns, next_ns, std::memory_order_relaxed));
}

Accounts::Ref Accounts::open(std::string_view name) {
  const std::lock_guard lock(mutex_);
  auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    found = by_name_.try_emplace(std::string(name)).first;
    found->second.name_ = &found->first;
  } else if (found->second.references_ == 0) {
    idle_.erase(found->second.idle_at_);
  }
  ++found->second.references_;
  return {*this, found->second};
}

void Accounts::hold(Account& account) {
  const std::lock_guard lock(mutex_);
  ++account.references_;
}

void Accounts::give_back(Account& account) {
  const std::lock_guard lock(mutex_);
  assert(account.references_ > 0);
  if (--account.references_ > 0) return;
  account.idle_at_ = idle_.insert(idle_.end(), &account);
  if (idle_.size() <= kIdleMax) return;
  const auto oldest = by_name_.find(*idle_.front()->name_);
  idle_.pop_front();
  by_name_.erase(oldest);
}

std::size_t Accounts::size() const {
  const std::lock_guard lock(mutex_);
  return by_name_.size();
}

}  // namespace ringcast::broker
