// Pace: how often a LATEST subscription is given what it is owed: a small number, the slower the larger, that groups of
// equal subscriptions have in common.
//
// A pace is a period in whole milliseconds, rounded up; above 1 s to three digits, so there are few of them however
// many rates clients ask for (3,700), and none is refused because of what others ask for. The ticks of a pace fall on
// the same instants for all.
#pragma once

#include <cstdint>
#include <optional>

#include "broker/instant.h"

namespace ringcast::broker {

using Pace = std::uint32_t;  // 1 + the period in ms

inline constexpr Pace kEveryMessage = 0;     // not LATEST
inline constexpr Pace kUnpaced = 1;          // as fast as the socket takes it
inline constexpr double kRateMinHz = 0.001;  // as in proto/request.h: below one in a quarter of an hour, poll
inline constexpr double kRateMaxHz = 1000;   // a period of a millisecond

// The pace of at most `rate_hz` values of each topic a second; 0 is kUnpaced. Nothing for a rate beyond the limits.
[[nodiscard]] std::optional<Pace> pace_of_rate(double rate_hz) noexcept;

// Of a pace that is not kEveryMessage, in ms; 0 of kUnpaced.
[[nodiscard]] constexpr std::int64_t period_ms(Pace pace) noexcept {
  return static_cast<std::int64_t>(pace) - 1;
}

// The first tick after `now`; now of kUnpaced.
[[nodiscard]] Instant next_tick(Pace pace, Instant now) noexcept;

}  // namespace ringcast::broker
