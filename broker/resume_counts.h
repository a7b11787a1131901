// ResumeCounts: what came of the subscriptions that came back to where they were.
#pragma once

#include <cstdint>

#include "topics/resumed.h"

namespace ringcast::broker {

struct ResumeCounts {
  std::uint64_t recovered = 0;  // got all that they had missed
  std::uint64_t conflated = 0;  // got the newest values of it
  std::uint64_t gaps = 0;       // were told that something may be missing

  void count(topics::Resumed outcome) noexcept {
    switch (outcome) {
      case topics::Resumed::recovered:
        ++recovered;
        break;
      case topics::Resumed::conflated:
        ++conflated;
        break;
      case topics::Resumed::gap:
        ++gaps;
        break;
    }
  }
};

}  // namespace ringcast::broker
