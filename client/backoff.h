// Backoff: how long to wait before the next try to connect: at random up to a limit that doubles (full jitter), so that
// thousands of clients of a restarted broker do not come back together. Never zero. Pure: randomness is handed in.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ringcast::client {

class Backoff {
 public:
  static constexpr std::int64_t kDelayMinMs = 50;      // a refused connection fails at once: no spinning
  static constexpr std::int64_t kFirstMaxMs = 500;     // most restarts are over within it
  static constexpr std::int64_t kDelayMaxMs = 10'000;  // what a person still waits for a page to come back

  struct Limits {
    std::int64_t floor_ms = kDelayMinMs;
    std::int64_t first_ms = kFirstMaxMs;  // the first limit
    std::int64_t most_ms = kDelayMaxMs;   // the last one
  };

  Backoff() : Backoff(Limits{}) {}
  explicit Backoff(const Limits& limits) noexcept : limits_(limits), max_ms_(limits.first_ms) {}

  // The next delay in milliseconds; `uniform` is a random number from 0 to below 1.
  [[nodiscard]] std::int64_t next_ms(double uniform) noexcept {
    const std::int64_t delay = static_cast<std::int64_t>(uniform * static_cast<double>(max_ms_ - limits_.floor_ms));
    grow();
    return limits_.floor_ms + delay;
  }

  // The peer asks for patience: the next limit is longer.
  void grow() noexcept { max_ms_ = std::min(2 * max_ms_, limits_.most_ms); }

  // The connection is open again: the next failure begins with the shortest limit.
  void reset() noexcept { max_ms_ = limits_.first_ms; }

 private:
  Limits limits_;
  std::int64_t max_ms_;
};

}  // namespace ringcast::client
