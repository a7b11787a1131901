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

  // The next delay in milliseconds; `uniform` is a random number from 0 to below 1.
  [[nodiscard]] std::int64_t next_ms(double uniform) noexcept {
    const std::int64_t delay = static_cast<std::int64_t>(uniform * static_cast<double>(max_ms_ - kDelayMinMs));
    max_ms_ = std::min(2 * max_ms_, kDelayMaxMs);
    return kDelayMinMs + delay;
  }

  // The connection is open again: the next failure begins with the shortest limit.
  void reset() noexcept { max_ms_ = kFirstMaxMs; }

 private:
  std::int64_t max_ms_ = kFirstMaxMs;
};

}  // namespace ringcast::client
