// Latency: how long things took, in buckets of at most 6 % width, for a summary of any number of them. Thread: one.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

namespace ringcast::client {

class Latency {
 public:
  // Negative times (of two clocks that disagree) count as 0.
  void add(std::int64_t microseconds) noexcept {
    const std::uint64_t value = microseconds < 0 ? 0 : static_cast<std::uint64_t>(microseconds);
    ++buckets_[index_of(value)];
    ++count_;
    if (value > max_us_) max_us_ = value;
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t max_us() const noexcept { return max_us_; }
  // What a share `q` (above 0, at most 1) of them did not exceed, rounded up to its bucket's end. 0 without any.
  [[nodiscard]] std::uint64_t quantile_us(double q) const noexcept;

  // "p50 0.21 ms, p99 1.3 ms, max 4.7 ms".
  [[nodiscard]] std::string summary() const;

 private:
  static constexpr unsigned kStepBits = 4;  // 16 buckets for each doubling

  static std::size_t index_of(std::uint64_t value) noexcept {
    if (value < (1U << kStepBits)) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kStepBits;
    return (std::size_t{shift} + 1) * (1U << kStepBits) + ((value >> shift) & ((1U << kStepBits) - 1));
  }
  static std::uint64_t end_of(std::size_t index) noexcept;

  std::array<std::uint64_t, (64 - kStepBits + 1) << kStepBits> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_us_ = 0;
};

}  // namespace ringcast::client
