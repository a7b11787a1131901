#include "broker/pace.h"

#include <cmath>

namespace ringcast::broker {

namespace {

constexpr double kSlack = 1e-9;  // what dividing may have added: 1000 / 0.1 is 10 s, not a millisecond more

}  // namespace

std::optional<Pace> pace_of_rate(double rate_hz) noexcept {
  if (rate_hz == 0) return kUnpaced;
  if (!(rate_hz >= kRateMinHz && rate_hz <= kRateMaxHz)) return std::nullopt;  // so NaN is none, either
  const double exact_ms = 1000.0 / rate_hz;
  auto period = static_cast<std::int64_t>(std::ceil(exact_ms * (1 - kSlack)));
  std::int64_t step = 1;
  while (period > 1000 * step) step *= 10;
  period = (period + step - 1) / step * step;
  return static_cast<Pace>(period + 1);
}

Instant next_tick(Pace pace, Instant now) noexcept {
  const std::int64_t period = period_ms(pace);
  if (period == 0) return now;
  return {(now.ms / period + 1) * period};
}

}  // namespace ringcast::broker
