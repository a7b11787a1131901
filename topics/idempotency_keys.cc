#include "topics/idempotency_keys.h"

#include <cassert>

namespace ringcast::topics {
namespace {

constexpr std::uint32_t kForgetPerNew = 2;  // more than one: those past their time dwindle while new ones come

}  // namespace

IdempotencyKeys::IdempotencyKeys(const Options& options) : options_(options) {
  assert(options_.keys_max > 0);
}

IdempotencyKeys::Checked IdempotencyKeys::check(const KeyedBody& publish, std::int64_t now_ms) const noexcept {
  const std::uint32_t index = find(publish);
  if (index == kNone) return {};
  const Entry& entry = entries_[index];
  if (past_its_time(entry, now_ms)) return {};
  if (entry.publish.body != publish.body) return {.verdict = Verdict::reused};
  return {.verdict = Verdict::duplicate, .first = entry.first};
}

void IdempotencyKeys::record(const KeyedBody& publish, const First& first, std::int64_t now_ms) {
  const std::uint32_t same = find(publish);
  if (same != kNone) {
    assert(past_its_time(entries_[same], now_ms));
    forget(same);
  }
  for (std::uint32_t i = 0; i < kForgetPerNew; ++i) {
    if (oldest_ != kNone && past_its_time(entries_[oldest_], now_ms)) forget(oldest_);
  }
  if (size() == options_.keys_max) forget(oldest_);
  const std::uint32_t index = entries_.take();
  entries_[index] = {.publish = publish, .first = first, .at_ms = now_ms, .older = newest_};
  (newest_ == kNone ? oldest_ : entries_[newest_].newer) = index;
  newest_ = index;
  by_key_.insert(publish.key_low, index);
}

std::uint32_t IdempotencyKeys::find(const KeyedBody& publish) const noexcept {
  return by_key_.find(publish.key_low, [&](std::uint32_t index) {
    const KeyedBody& known = entries_[index].publish;
    return known.key_low == publish.key_low && known.key_high == publish.key_high;
  });
}

bool IdempotencyKeys::past_its_time(const Entry& entry, std::int64_t now_ms) const noexcept {
  return now_ms - entry.at_ms >= options_.kept_ms;
}

void IdempotencyKeys::forget(std::uint32_t index) {
  const Entry& entry = entries_[index];
  (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
  (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
  by_key_.erase(entry.publish.key_low, index);
  entries_.give_back(index);
}

void IdempotencyKeys::check_invariants() const {
  std::size_t linked = 0;
  std::uint32_t older = kNone;
  for (std::uint32_t index = oldest_; index != kNone; index = entries_[index].newer, ++linked) {
    const Entry& entry = entries_[index];
    assert(entry.older == older);
    assert(older == kNone || entries_[older].at_ms <= entry.at_ms);
    assert(find(entry.publish) == index);
    older = index;
  }
  assert(older == newest_);
  assert(linked == size());
  assert(linked == by_key_.size());
  assert(linked <= options_.keys_max);
  by_key_.check_invariants();
}

}  // namespace ringcast::topics
