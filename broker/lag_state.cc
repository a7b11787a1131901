#include "broker/lag_state.h"

#include <algorithm>

namespace ringcast::broker {

void LagState::count(Fate fate, std::uint64_t messages) noexcept {
  to_tell_ = true;
  (fate == Fate::merged ? merged_ : skipped_) += messages;
}

void LagState::add_range(std::string_view topic, std::uint64_t first_seq, std::uint64_t last_seq) {
  const auto before = std::ranges::find_if(
      ranges_, [&](const Range& range) { return range.last_seq + 1 == first_seq && range.topic == topic; });
  if (before != ranges_.end()) {
    before->last_seq = last_seq;
    return;
  }
  if (ranges_.size() == kRangesMax || names_bytes_ + topic.size() > kNamesBytesMax) {
    more_ranges_ = true;
    return;
  }
  names_bytes_ += topic.size();
  ranges_.push_back({.topic = std::string(topic), .first_seq = first_seq, .last_seq = last_seq});
}

void LagState::told() {
  ranges_.clear();
  names_bytes_ = 0;
  merged_ = 0;
  skipped_ = 0;
  more_ranges_ = false;
  to_tell_ = false;
}

}  // namespace ringcast::broker
