#include "client/deadline.h"

#include <algorithm>
#include <ctime>
#include <limits>

namespace ringcast::client {
namespace {

std::int64_t read_clock(clockid_t clock) noexcept {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

}  // namespace

std::int64_t monotonic_ms() noexcept {
  return read_clock(CLOCK_MONOTONIC);
}

std::int64_t utc_ms() noexcept {
  return read_clock(CLOCK_REALTIME);
}

int Deadline::left_ms() const noexcept {
  const std::int64_t left = at_ms_ - monotonic_ms();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace ringcast::client
