// Deadline: a point of the monotonic clock up to which a blocking call may wait.
#pragma once

#include <cstdint>

namespace ringcast::client {

// The monotonic clock, in milliseconds.
[[nodiscard]] std::int64_t monotonic_ms() noexcept;
// The same in microseconds.
[[nodiscard]] std::int64_t monotonic_us() noexcept;

// Milliseconds since 1970, UTC.
[[nodiscard]] std::int64_t utc_ms() noexcept;
// The same in microseconds.
[[nodiscard]] std::int64_t utc_us() noexcept;

class Deadline {
 public:
  [[nodiscard]] static Deadline in_ms(std::int64_t milliseconds) noexcept {
    return Deadline(monotonic_ms() + milliseconds);
  }

  // What is left, in milliseconds, as poll(2) takes it: never negative.
  [[nodiscard]] int left_ms() const noexcept;
  [[nodiscard]] bool passed() const noexcept { return left_ms() == 0; }

 private:
  explicit Deadline(std::int64_t at_ms) noexcept : at_ms_(at_ms) {}

  std::int64_t at_ms_;
};

}  // namespace ringcast::client
