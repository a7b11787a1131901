// Instant: a point of the monotonic clock, in milliseconds. Pure code is told the time, it never asks.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace ringcast {

struct Instant {
  std::int64_t ms = 0;

  [[nodiscard]] static constexpr Instant never() noexcept { return {std::numeric_limits<std::int64_t>::max()}; }
  friend constexpr auto operator<=>(const Instant&, const Instant&) = default;
  friend constexpr Instant operator+(Instant at, std::int64_t add_ms) noexcept { return {at.ms + add_ms}; }
  friend constexpr std::int64_t operator-(Instant a, Instant b) noexcept { return a.ms - b.ms; }
};

// What a turn knows of time: the monotonic clock for deadlines, the wall clock for what messages carry.
struct Now {
  Instant monotonic;
  std::int64_t utc_us = 0;  // microseconds since 1970, UTC
};

}  // namespace ringcast
