#include "client/latency.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace ringcast::client {
namespace {

std::string milliseconds(std::uint64_t microseconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f ms", static_cast<double>(microseconds) / 1000);
  return text;
}

}  // namespace

std::uint64_t Latency::quantile_us(double q) const noexcept {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted && seen > 0) return std::min(end_of(i), max_us_);
  }
  return 0;
}

// The largest value of a bucket.
std::uint64_t Latency::end_of(std::size_t index) noexcept {
  if (index < (1U << kStepBits)) return index;
  const std::size_t shift = (index >> kStepBits) - 1;
  const std::uint64_t begin = std::uint64_t{(1U << kStepBits) + (index & ((1U << kStepBits) - 1))} << shift;
  return begin + ((std::uint64_t{1} << shift) - 1);
}

std::string Latency::summary() const {
  return "p50 " + milliseconds(quantile_us(0.5)) + ", p99 " + milliseconds(quantile_us(0.99)) + ", max " +
         milliseconds(max_us_);
}

}  // namespace ringcast::client
