#include "client/deadline.h"

#include <algorithm>
#include <ctime>
#include <limits>

namespace ringcast::client {
namespace {

// In microseconds.
std::int64_t read_clock(clockid_t clock) noexcept {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1'000;
}

}  // namespace

std::int64_t monotonic_ms() noexcept {
  return read_clock(CLOCK_MONOTONIC) / 1'000;
}

std::int64_t utc_ms() noexcept {
  return read_clock(CLOCK_REALTIME) / 1'000;
}

int Deadline::left_ms() const noexcept {
  const std::int64_t left = at_ms_ - monotonic_ms();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

std::int64_t monotonic_us() noexcept {
  return read_clock(CLOCK_MONOTONIC);
}

std::int64_t utc_us() noexcept {
  return read_clock(CLOCK_REALTIME);
}

}  // namespace ringcast::client
