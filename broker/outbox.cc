#include "broker/outbox.h"

#include <algorithm>
#include <cassert>

namespace ringcast::broker {

Outbox::~Outbox() {
  assert(empty());
}

void Outbox::start(const Span& span, OutboxPool& pool) {
  front_ = span;
  pinned_bytes_ = span.segment->capacity();
  pool.segments().retain(span.segment);
}

void Outbox::append_slow(const Span& span, OutboxPool& pool) {
  if (more_ == nullptr) more_ = pool.lend();
  more_->spans.push_back(span);
  pool.segments().retain(span.segment);
  if (!occurred(spans() - 1)) pinned_bytes_ += span.segment->capacity();
}

// Makes the cut one between two spans.
void Outbox::split(Cut cut, OutboxPool& pool) {
  Span& at = cut.index == 0 ? front_ : more_->spans[more_->head + cut.index - 1];
  assert(cut.offset > 0);
  assert(cut.offset < at.length);
  const Span rest{at.segment, at.offset + cut.offset, at.length - cut.offset};
  at.length = cut.offset;
  pool.segments().retain(rest.segment);
  insert(cut.index + 1, rest, pool);
}

// The span becomes the one of this index. Takes over the caller's reference.
void Outbox::insert(std::size_t index, const Span& added, OutboxPool& pool) {
  if (more_ == nullptr) more_ = pool.lend();
  const std::size_t at = more_->head + (index == 0 ? 0 : index - 1);
  more_->spans.insert(more_->spans.begin() + static_cast<std::ptrdiff_t>(at), index == 0 ? front_ : added);
  if (index == 0) front_ = added;
  more_->checked = std::min(more_->checked, at);
}

void Outbox::append_all(Outbox& other, OutboxPool& pool) {
  for (std::size_t i = 0; i < other.spans(); ++i) append(other.span(i), pool);
  other.clear(pool);
}

// Puts the span where the cut is.
void Outbox::put_at(Cut cut, const Span& added, OutboxPool& pool) {
  if (cut.index == spans()) return append(added, pool);
  if (cut.offset > 0) {
    split(cut, pool);
    ++cut.index;
  }
  owed_bytes_ += added.length;
  pool.segments().retain(added.segment);
  insert(cut.index, added, pool);
  pinned_bytes_ = static_cast<std::uint32_t>(count_pinned());
}

Bytes Outbox::gather(MutableBytes scratch, std::size_t size_max) const {
  if (empty()) return {};
  if (more_ == nullptr || front_.length >= kSpanWorthASend) {
    return front_.segment->bytes(front_.offset, front_.length).first(std::min<std::size_t>(front_.length, size_max));
  }
  const std::size_t limit = std::min(scratch.size(), size_max);
  std::size_t size = 0;
  const auto take = [&](const Span& span) {
    const Bytes bytes =
        span.segment->bytes(span.offset, span.length).first(std::min<std::size_t>(span.length, limit - size));
    std::ranges::copy(bytes, scratch.begin() + static_cast<std::ptrdiff_t>(size));
    size += bytes.size();
  };
  take(front_);
  for (std::size_t i = more_->head; i < more_->spans.size() && size < limit; ++i) {
    if (more_->spans[i].length >= kSpanWorthASend) break;
    take(more_->spans[i]);
  }
  return scratch.first(size);
}

void Outbox::consume(std::size_t size, OutboxPool& pool) {
  assert(size <= owed_bytes_);
  while (size > 0) {
    const std::size_t part = std::min<std::size_t>(size, front_.length);
    front_.offset += static_cast<std::uint32_t>(part);
    front_.length -= static_cast<std::uint32_t>(part);
    owed_bytes_ -= static_cast<std::uint32_t>(part);
    size -= part;
    if (front_.length == 0) pop_front(pool);
  }
}

void Outbox::pop_front(OutboxPool& pool) {
  Segment* const gone = front_.segment;
  if (!recurs(0)) pinned_bytes_ -= gone->capacity();
  front_ = {};
  if (more_ != nullptr) {
    front_ = more_->spans[more_->head++];
    if (more_->head == more_->spans.size()) pool.take_back(std::move(more_));
  }
  pool.segments().release(gone);
}

bool Outbox::frame_begun() const noexcept {
  return !empty() && front_.segment->frame_begin(front_.offset) != front_.offset;
}

Bytes Outbox::begun_frame(OutboxPool& pool) {
  assert(frame_begun());
  Segment* const segment = front_.segment;
  const std::uint32_t rest = segment->frame_end(front_.offset) - front_.offset;
  if (rest < front_.length) split({.index = 0, .offset = rest}, pool);
  if (rest < segment->capacity() / kUnpinShare) {
    // The copy keeps a byte of what was sent, so that the frame still counts as begun.
    const std::uint32_t from = front_.offset - 1;
    const FrameRecord record{.offset = from};
    front_ = {pool.segments().copy(segment->bytes(from, rest + 1), {&record, 1}, from, segment->created()), 1, rest};
    pool.segments().release(segment);
  }
  pinned_bytes_ = static_cast<std::uint32_t>(count_pinned());
  return front_.segment->bytes(front_.offset, front_.length);
}

void Outbox::clear(OutboxPool& pool) {
  while (!empty()) {
    owed_bytes_ -= front_.length;
    pop_front(pool);
  }
}

bool Outbox::occurred(std::size_t index) const noexcept {
  for (std::size_t back = 1; back <= std::min(kNearSpans, index); ++back) {
    if (span(index - back).segment == span(index).segment) return true;
  }
  return false;
}

bool Outbox::recurs(std::size_t index) const noexcept {
  for (std::size_t on = 1; on <= std::min(kNearSpans, spans() - 1 - index); ++on) {
    if (span(index + on).segment == span(index).segment) return true;
  }
  return false;
}

std::size_t Outbox::count_pinned() const noexcept {
  std::size_t pinned = 0;
  for (std::size_t index = 0; index < spans(); ++index) {
    if (!occurred(index)) pinned += span(index).segment->capacity();
  }
  return pinned;
}

bool Outbox::unpin_group(std::span<Span> group, OutboxPool& pool) {
  Segment* const segment = group.front().segment;
  std::size_t used = 0;
  for (const Span& span : group) used += span.length;
  if (used >= segment->capacity() / kUnpinShare) return false;
  for (Span& span : group) {
    // A front that is partly sent keeps one sent byte and so its place in the middle of a frame.
    const bool begun = segment->frame_begin(span.offset) != span.offset;
    const std::uint32_t from = span.offset - (begun ? 1 : 0);
    std::vector<FrameRecord> records;
    if (begun) records.push_back({.offset = from});
    const auto whole = segment->records(span.offset, span.offset + span.length);
    records.insert(records.end(), whole.begin(), whole.end());
    const Bytes bytes = segment->bytes(from, span.length + (begun ? 1 : 0));
    span = {pool.segments().copy(bytes, records, from, segment->created()), begun ? 1U : 0U, span.length};
    pool.segments().release(segment);
  }
  return true;
}

void Outbox::unpin(std::span<Segment* const> current, OutboxPool& pool) {
  if (empty()) return;
  const auto written = [&](const Segment* segment) { return std::ranges::find(current, segment) != current.end(); };
  bool changed = false;
  if (!written(front_.segment)) changed = unpin_group({&front_, 1}, pool);
  if (more_ != nullptr) {
    auto& spans = more_->spans;
    std::size_t i = std::max(more_->head, more_->checked);
    while (i < spans.size() && !written(spans[i].segment)) {
      std::size_t end = i + 1;
      while (end < spans.size() && spans[end].segment == spans[i].segment) ++end;
      changed |= unpin_group({&spans[i], end - i}, pool);
      i = end;
    }
    more_->checked = i;
  }
  if (changed) pinned_bytes_ = static_cast<std::uint32_t>(count_pinned());
}

void Outbox::check_invariants() const {
  assert(more_ == nullptr || more_->head < more_->spans.size());
  assert(more_ == nullptr || more_->checked <= more_->spans.size());
  std::size_t owed = 0;
  for (std::size_t index = 0; index < spans(); ++index) {
    const Span& at = span(index);
    owed += at.length;
    assert(at.length > 0);
    assert(index == 0 || at.segment->frame_begin(at.offset) == at.offset);
    assert(at.segment->frame_end(at.offset + at.length - 1) == at.offset + at.length);
  }
  assert(owed == owed_bytes_);
  assert(count_pinned() == pinned_bytes_);
}

std::unique_ptr<Outbox::More> OutboxPool::lend() {
  if (idle_.empty()) return std::make_unique<Outbox::More>();
  auto more = std::move(idle_.back());
  idle_.pop_back();
  return more;
}

void OutboxPool::take_back(std::unique_ptr<Outbox::More> more) {
  constexpr std::size_t kSpansKept = 64;  // a laggard's long list is not kept
  if (idle_.size() >= kIdleMax || more->spans.capacity() > kSpansKept) return more.reset();
  more->spans.clear();
  more->head = 0;
  more->checked = 0;
  idle_.push_back(std::move(more));
}

}  // namespace ringcast::broker
