#include "broker/segment.h"

#include <algorithm>

namespace ringcast::broker {

std::uint32_t Segment::frame_begin(std::uint32_t offset) const noexcept {
  assert(offset < size_);
  const auto after = std::ranges::upper_bound(records_, offset, {}, &FrameRecord::offset);
  assert(after != records_.begin());
  return (after - 1)->offset;
}

std::uint32_t Segment::frame_end(std::uint32_t offset) const noexcept {
  assert(offset < size_);
  const auto after = std::ranges::upper_bound(records_, offset, {}, &FrameRecord::offset);
  return after == records_.end() ? size_ : after->offset;
}

std::span<const FrameRecord> Segment::records(std::uint32_t from, std::uint32_t to) const noexcept {
  const auto first = std::ranges::lower_bound(records_, from, {}, &FrameRecord::offset);
  const auto last = std::ranges::lower_bound(first, records_.end(), to, {}, &FrameRecord::offset);
  return {first, last};
}

SegmentPool::~SegmentPool() {
  for (Segment* segment : idle_) delete segment;
}

Segment* SegmentPool::make(std::uint32_t capacity) {
  Segment* segment = nullptr;
  if (capacity <= Segment::kSizeUsual && !idle_.empty()) {
    segment = idle_.back();
    idle_.pop_back();
  } else {
    segment = new Segment(std::max(capacity, Segment::kSizeUsual));
  }
  segment->references_ = 1;
  segment->created_ = now_;
  ++live_;
  live_bytes_ += segment->capacity_;
  return segment;
}

Segment* SegmentPool::copy(Bytes frames, std::span<const FrameRecord> records, std::uint32_t base, Instant created) {
  auto* segment = new Segment(static_cast<std::uint32_t>(frames.size()));
  std::ranges::copy(frames, segment->bytes_.get());
  segment->size_ = segment->capacity_;
  segment->records_.assign(records.begin(), records.end());
  for (FrameRecord& record : segment->records_) record.offset -= base;
  segment->references_ = 1;
  segment->created_ = created;
  ++live_;
  live_bytes_ += segment->capacity_;
  return segment;
}

void SegmentPool::release(Segment* segment) noexcept {
  assert(segment->references_ > 0);
  if (--segment->references_ > 0) return;
  assert(live_ > 0);
  --live_;
  live_bytes_ -= segment->capacity_;
  if (segment->capacity_ != Segment::kSizeUsual || idle_.size() >= kIdleMax) {
    delete segment;
    return;
  }
  segment->size_ = 0;
  segment->records_.clear();
  idle_.push_back(segment);
}

void SegmentWriter::begin(std::uint32_t size) {
  const bool own = size >= kOwnSegmentBytes;
  if (current_ != nullptr && (own || own_ || current_->capacity_ - current_->size_ < size ||
                              pool_.now() - current_->created_ >= Segment::kAgeMaxMs)) {
    retire();
  }
  own_ = own;
  if (current_ == nullptr) current_ = pool_.make(size);
  begun_at_ = current_->size_;
}

MutableBytes SegmentWriter::frame(std::uint32_t size, FrameRecord record) {
  assert(current_ != nullptr);
  assert(current_->capacity_ - current_->size_ >= size);
  record.offset = current_->size_;
  current_->records_.push_back(record);
  current_->size_ += size;
  return {current_->bytes_.get() + record.offset, size};
}

Span SegmentWriter::finish() {
  assert(current_ != nullptr);
  const Span span{current_, begun_at_, current_->size_ - begun_at_};
  begun_at_ = current_->size_;
  return span;
}

Span SegmentWriter::append(Bytes bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  begin(size);
  std::ranges::copy(bytes, frame(size, {}).begin());
  return finish();
}

void SegmentWriter::retire() {
  if (current_ == nullptr) return;
  pool_.release(current_);
  current_ = nullptr;
  ++retired_;
}

}  // namespace ringcast::broker
