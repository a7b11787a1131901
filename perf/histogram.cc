#include "perf/histogram.h"

#include <algorithm>
#include <cmath>

namespace ringcast::perf {

std::uint64_t Histogram::quantile(double quantile) const noexcept {
  const double wanted = std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_));
  const std::uint64_t rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= rank) return std::min(upper_end(bucket), max_);
  }
  return max_;
}

std::uint64_t Histogram::upper_end(std::size_t bucket) noexcept {
  const std::size_t row = bucket / kSubBuckets;
  const std::uint64_t within = bucket % kSubBuckets;
  if (row == 0) return within;
  return ((kSubBuckets + within + 1) << (row - 1)) - 1;
}

}  // namespace ringcast::perf
