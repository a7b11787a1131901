// TimerWheel: tells which connections have a deadline to look at, in constant time however many there are.
//
// A connection keeps its own deadline and enters the wheel once. Moving a deadline later costs nothing: when the entry
// comes up, the owner sees that it is not due yet and schedules it anew. Times are rounded up to a tick.
// Thread: one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "broker/instant.h"
#include "broker/slot.h"

namespace ringcast::broker {

class TimerWheel {
 public:
  static constexpr std::int64_t kTickMs = 32;    // finer than any deadline we keep
  static constexpr std::size_t kBuckets = 1024;  // × 32 ms = 32 s ahead; what is later comes up early and goes in again

  // Starts the wheel's clock.
  void start(Instant now) { tick_ = now.ms / kTickMs; }

  // `slot` comes up at the returned time: `at`, rounded up to a tick, or earlier when that is far.
  Instant schedule(SlotId slot, Instant at);

  // Hands out the slots that come up until `now`; the list is valid until the next call.
  [[nodiscard]] const std::vector<SlotId>& expire(Instant now);

  // When expire() next has something to say; never() when the wheel is empty.
  [[nodiscard]] Instant next() const noexcept { return size_ == 0 ? Instant::never() : Instant{earliest_ * kTickMs}; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::array<std::vector<SlotId>, kBuckets> buckets_;
  std::vector<SlotId> expired_;
  std::int64_t tick_ = 0;      // everything before this tick was handed out
  std::int64_t earliest_ = 0;  // no bucket before this tick has an entry; meaningless while size_ is 0
  std::size_t size_ = 0;
};

}  // namespace ringcast::broker
