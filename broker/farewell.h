// Farewell: how the connections of a broker that ends are told to go: over how long, and when they may come back.
//
// Told all at once they would come back all at once. So each shard tells its connections one after the other, evenly
// over the same time, and those that can be told when to come back are given a time at random.
// Pure. Thread: a plan is copied; Leaving is one shard's.
#pragma once

#include <algorithm>
#include <cstdint>

#include "broker/instant.h"

namespace ringcast::broker {

// Connections that are told to go, and shall come back, in a second: a shard closes and opens ten times as many, but a
// client that comes back also resumes what it subscribed to (perf/reconnect: 5,000 of them took 1.5 s on two cores).
inline constexpr std::uint64_t kLeavingPerSecond = 2'000;
// The window to come back in, however few or many there are.
inline constexpr std::int64_t kComeBackMinMs = 500;     // what clients wait after any loss
inline constexpr std::int64_t kComeBackMaxMs = 10'000;  // what a person still waits for a page to come back

struct Farewell {
  std::int64_t spread_ms = 0;  // from the first that is told to the last
  std::int64_t within_ms = 0;  // they come back at a random time within so long, when all have been told
};

// The plan for so many connections of all shards, if all must be over in `left_ms`: half of it is for those that take
// their time to read what they are owed.
[[nodiscard]] constexpr Farewell plan_farewell(std::uint64_t connections, std::int64_t left_ms) noexcept {
  const auto even_ms = static_cast<std::int64_t>(connections * 1'000 / kLeavingPerSecond);
  return {.spread_ms = std::clamp<std::int64_t>(even_ms, 0, std::max<std::int64_t>(0, left_ms / 2)),
          .within_ms = std::clamp(even_ms, kComeBackMinMs, kComeBackMaxMs)};
}

// Which slots of one shard are told when.
class Leaving {
 public:
  struct Slots {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  void begin(const Farewell& farewell, Instant now) noexcept {
    farewell_ = farewell;
    began_ = now;
    next_slot_ = 0;
    under_way_ = true;
  }
  // From begin() until due() has given out the last.
  [[nodiscard]] bool under_way() const noexcept { return under_way_; }
  [[nodiscard]] const Farewell& farewell() const noexcept { return farewell_; }

  // Those of `slots` whose turn has come since the last call. The last ones end it.
  [[nodiscard]] Slots due(std::uint32_t slots, Instant now) noexcept {
    const std::int64_t elapsed_ms = now - began_;
    const Slots due{.begin = std::min(next_slot_, slots),
                    .end = elapsed_ms >= farewell_.spread_ms ? slots : due_by(slots, elapsed_ms)};
    next_slot_ = std::max(due.begin, due.end);
    under_way_ = elapsed_ms < farewell_.spread_ms;
    return {.begin = due.begin, .end = next_slot_};
  }
  // When due() has more to give; never(): nothing is under way.
  [[nodiscard]] Instant next(std::uint32_t slots) const noexcept {
    if (!under_way_) return Instant::never();
    if (next_slot_ >= slots) return began_ + farewell_.spread_ms;
    return began_ + (farewell_.spread_ms * next_slot_ + slots - 1) / slots;
  }
  // Until all of this plan have been told; milliseconds.
  [[nodiscard]] std::int64_t left_ms(Instant now) const noexcept {
    return std::max<std::int64_t>(0, began_ + farewell_.spread_ms - now);
  }

 private:
  // The first is told at once, the n-th when n/slots of the time have passed.
  [[nodiscard]] std::uint32_t due_by(std::uint32_t slots, std::int64_t elapsed_ms) const noexcept {
    return static_cast<std::uint32_t>(std::min<std::int64_t>(slots, slots * elapsed_ms / farewell_.spread_ms + 1));
  }

  Farewell farewell_;
  Instant began_;
  std::uint32_t next_slot_ = 0;  // all before it were given out
  bool under_way_ = false;
};

}  // namespace ringcast::broker
