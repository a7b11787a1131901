// TimeSamples: about which position a home had reached at a given time.
//
// One sample a second at most, for the last quarter of an hour or more; of what is older as many, evenly spread over
// all of it. Allocates when it is made only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringcast::topics {

class TimeSamples {
 public:
  static constexpr std::int64_t kIntervalUs = 1'000'000;
  static constexpr std::size_t kSamplesMax = 2'048;  // of each kind: 32 KiB

  TimeSamples();

  // A message is given this position and time; both never decrease.
  void note(std::int64_t time_us, std::uint64_t position) {
    if (time_us >= next_us_) add_slow(time_us, position);
  }

  // A position such that every message at or before it is older than `time_us`: as high as is known.
  [[nodiscard]] std::uint64_t position_before(std::int64_t time_us) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return recent_.size() + old_.size(); }

 private:
  struct Sample {
    std::int64_t time_us;
    std::uint64_t position;  // all up to here are older than time_us
  };

  void add_slow(std::int64_t time_us, std::uint64_t position);
  void keep_old(const Sample& sample);

  std::vector<Sample> recent_;
  std::vector<Sample> old_;  // before these
  std::int64_t old_interval_us_ = kIntervalUs;
  std::int64_t next_us_ = INT64_MIN;  // from then on a message makes a sample
};

}  // namespace ringcast::topics
