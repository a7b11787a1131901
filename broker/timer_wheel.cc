#include "broker/timer_wheel.h"

#include <algorithm>

namespace ringcast::broker {

namespace {
constexpr std::size_t kBucketKept = 64;  // entries a bucket may keep room for
}

Instant TimerWheel::schedule(SlotId slot, Instant at) {
  const std::int64_t last = tick_ + static_cast<std::int64_t>(kBuckets) - 1;
  const std::int64_t wanted = at == Instant::never() ? last : (at.ms + kTickMs - 1) / kTickMs;
  const std::int64_t tick = std::clamp(wanted, tick_, last);
  buckets_[static_cast<std::size_t>(tick) % kBuckets].push_back(slot);
  earliest_ = size_ == 0 ? tick : std::min(earliest_, tick);
  ++size_;
  return {tick * kTickMs};
}

const std::vector<SlotId>& TimerWheel::expire(Instant now) {
  expired_.clear();
  const std::int64_t now_tick = now.ms / kTickMs;
  while (size_ > 0 && earliest_ <= now_tick) {
    auto& bucket = buckets_[static_cast<std::size_t>(earliest_) % kBuckets];
    expired_.insert(expired_.end(), bucket.begin(), bucket.end());
    size_ -= bucket.size();
    bucket.clear();
    // A storm's bucket is given back: room for ten thousand entries would stay reserved for ever.
    if (bucket.capacity() > kBucketKept) bucket.shrink_to_fit();
    while (size_ > 0 && buckets_[static_cast<std::size_t>(earliest_) % kBuckets].empty()) ++earliest_;
  }
  tick_ = std::max(tick_, now_tick + 1);
  return expired_;
}

}  // namespace ringcast::broker
