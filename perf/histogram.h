// Histogram: counts of times in nanoseconds, in buckets that grow with the value, after HdrHistogram's idea.
//
// Each power of two is cut into 128 buckets, so that a quantile is right to within 1 % at any size, and the memory is
// fixed: 38 KiB. Hot path: record() runs once per delivery. No allocation. Thread: one.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ringcast::perf {

class Histogram {
 public:
  static constexpr std::uint64_t kValueMax = (std::uint64_t{1} << 43) - 1;  // 2.4 hours; what is longer counts as this

  void record(std::uint64_t nanoseconds) noexcept {
    const std::uint64_t value = nanoseconds < kValueMax ? nanoseconds : kValueMax;
    ++counts_[bucket_of(value)];
    ++count_;
    if (value > max_) max_ = value;
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

  // The value, in nanoseconds, that a share `quantile` (0 to 1) of all values does not exceed; 0 while empty.
  // The upper end of its bucket, but never above max().
  [[nodiscard]] std::uint64_t quantile(double quantile) const noexcept;

  void reset() noexcept { *this = {}; }

 private:
  static constexpr int kSubBits = 7;
  static constexpr std::size_t kSubBuckets = std::size_t{1} << kSubBits;
  static constexpr std::size_t kBuckets = (43 - kSubBits + 1) * kSubBuckets;

  // Values below 128 have a bucket each; above, the highest bit chooses a row and the next seven the bucket in it.
  [[nodiscard]] static std::size_t bucket_of(std::uint64_t value) noexcept {
    const int width = static_cast<int>(std::bit_width(value));
    if (width <= kSubBits) return static_cast<std::size_t>(value);
    const auto row = static_cast<std::size_t>(width - kSubBits);
    const std::size_t within = static_cast<std::size_t>(value >> (row - 1)) & (kSubBuckets - 1);
    return row * kSubBuckets + within;
  }
  [[nodiscard]] static std::uint64_t upper_end(std::size_t bucket) noexcept;

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace ringcast::perf
