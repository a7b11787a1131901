#include "topics/time_samples.h"

#include <algorithm>
#include <span>

namespace ringcast::topics {

TimeSamples::TimeSamples() {
  recent_.reserve(kSamplesMax);
  old_.reserve(kSamplesMax);
}

void TimeSamples::add_slow(std::int64_t time_us, std::uint64_t position) {
  if (recent_.size() == kSamplesMax) {
    const auto half = recent_.begin() + kSamplesMax / 2;
    for (const Sample& sample : std::span(recent_.begin(), half)) keep_old(sample);
    recent_.erase(recent_.begin(), half);
  }
  // Had the message before been as late as this one, the sample would have been made of it.
  recent_.push_back({.time_us = time_us, .position = position - 1});
  next_us_ = time_us + kIntervalUs;
}

void TimeSamples::keep_old(const Sample& sample) {
  if (!old_.empty() && sample.time_us < old_.back().time_us + old_interval_us_) return;
  if (old_.size() == kSamplesMax) {
    for (std::size_t i = 0; i < kSamplesMax / 2; ++i) old_[i] = old_[2 * i];
    old_.resize(kSamplesMax / 2);
    old_interval_us_ *= 2;
  }
  old_.push_back(sample);
}

std::uint64_t TimeSamples::position_before(std::int64_t time_us) const noexcept {
  for (const std::vector<Sample>* samples : {&recent_, &old_}) {
    const auto after = std::ranges::upper_bound(*samples, time_us, {}, &Sample::time_us);
    if (after != samples->begin()) return std::prev(after)->position;
  }
  return 0;
}

}  // namespace ringcast::topics
