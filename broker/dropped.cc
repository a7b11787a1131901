#include "broker/dropped.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ringcast::broker {

namespace {

constexpr std::uint32_t kNoRange = UINT32_MAX;

}  // namespace

// From the newest message to the oldest: the first of a topic are those that may still be owed.
Dropped::Dropped(std::vector<Span> spans, Newest newest, SegmentPool& pool)
    : pool_(pool), newest_(newest), spans_(std::move(spans)) {
  for (std::size_t i = spans_.size(); i > 0; --i) {
    const Span& span = spans_[i - 1];
    std::uint32_t end = span.offset + span.length;
    const auto records = span.segment->records(span.offset, end);
    for (std::size_t at = records.size(); at > 0; --at) {
      const FrameRecord& record = records[at - 1];
      if (record.continues) continue;
      take(record, {span.segment, record.offset, end - record.offset});
      end = record.offset;
    }
    assert(end == span.offset);
  }
}

Dropped::~Dropped() {
  for (const Span& span : spans_) pool_.release(span.segment);
}

void Dropped::take(const FrameRecord& record, const Span& frames) {
  assert(record.live());
  const Key key{.topic = std::uint64_t{record.topic.generation} << 32U | record.topic.index, .origin = record.origin};
  const Place place{.frames = frames, .seq = record.seq, .position = record.position};
  const auto [found, added] = by_key_.try_emplace(key, static_cast<std::uint32_t>(topics_.size()));
  if (added) {
    topics_.push_back({.origin = record.origin, .handle = record.topic, .newest = place});
    open_.push_back(kNoRange);
  }
  Topic& topic = topics_[found->second];
  topic.first_position = record.position;
  if (newest_ == Newest::owed && topic.value.seq == 0) {
    if (!record.event) topic.value = place;
    if (record.event && topic.event.seq == 0) topic.event = place;
    topic.first_owed_seq = record.seq;
    ++topic.owed;
    return;
  }
  ++topic.gone;
  ++gone_;
  count_gone(found->second, record.seq);
}

void Dropped::count_gone(std::uint32_t topic, std::uint64_t seq) {
  std::uint32_t& open = open_[topic];
  if (open != kNoRange && ranges_[open].first_seq == seq + 1) {
    ranges_[open].first_seq = seq;
    return;
  }
  open = kNoRange;
  if (ranges_.size() == kRangesMax) {
    more_ranges_ = true;
    return;
  }
  open = static_cast<std::uint32_t>(ranges_.size());
  ranges_.push_back({.topic = topic, .first_seq = seq, .last_seq = seq});
}

}  // namespace ringcast::broker
