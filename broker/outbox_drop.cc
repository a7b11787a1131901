// Outbox's messages: where the first is that can still be passed or dropped, and what dropping leaves.
#include <algorithm>
#include <cassert>

#include "broker/outbox.h"

namespace ringcast::broker {

namespace {

// Adds a piece behind the others; one with the last if it lies beside it.
void add_piece(const Span& piece, std::vector<Span>& pieces) {
  if (!pieces.empty()) {
    Span& last = pieces.back();
    if (last.segment == piece.segment && last.offset + last.length == piece.offset) {
      last.length += piece.length;
      return;
    }
  }
  pieces.push_back(piece);
}

}  // namespace

// The first place before a frame that is not partly sent and that wanted(record, begun) wants: the end, if there is
// none. begun: the frame continues a message of which others have gone out.
template <typename Wanted>
Outbox::Cut Outbox::find_frame(Wanted&& wanted) const noexcept {
  const std::size_t count = spans();
  bool begun = true;
  for (std::size_t index = 0; index < count; ++index) {
    const Span& at = span(index);
    const bool partly_sent = index == 0 && frame_begun();
    const std::uint32_t from = partly_sent ? at.segment->frame_end(at.offset) : at.offset;
    for (const FrameRecord& record : at.segment->records(from, at.offset + at.length)) {
      if (record.seq != 0 && !record.continues) begun = false;
      if (wanted(record, begun)) return {.index = index, .offset = record.offset - at.offset};
    }
  }
  return {.index = count};
}

Outbox::Cut Outbox::first_message() const noexcept {
  return find_frame([](const FrameRecord& record, bool) { return record.seq != 0; });
}

void Outbox::append_urgent(const Span& urgent, OutboxPool& pool) {
  put_at(first_message(), urgent, pool);
}

void Outbox::append_before_messages(const Span& added, OutboxPool& pool) {
  put_at(find_frame([](const FrameRecord& record, bool begun) { return record.seq != 0 && !begun; }), added, pool);
}

Instant Outbox::oldest_message() const noexcept {
  const Cut cut = find_frame([](const FrameRecord& record, bool begun) { return record.live() && !begun; });
  return cut.index == spans() ? Instant::never() : span(cut.index).segment->created();
}

void Outbox::truncate(OutboxPool& pool) {
  const Cut cut = first_message();
  if (cut.index == 0 && cut.offset == 0) return clear(pool);
  if (cut.index == spans()) return;
  std::size_t kept = cut.index;
  if (cut.offset > 0) {
    split(cut, pool);
    ++kept;
  }
  std::vector<Span>& list = more_->spans;
  const auto from = list.begin() + static_cast<std::ptrdiff_t>(more_->head + kept - 1);
  for (auto dropped = from; dropped != list.end(); ++dropped) {
    owed_bytes_ -= dropped->length;
    pool.segments().release(dropped->segment);
  }
  list.erase(from, list.end());
  more_->checked = std::min(more_->checked, list.size());
  if (more_->head == list.size()) pool.take_back(std::move(more_));
  pinned_bytes_ = static_cast<std::uint32_t>(count_pinned());
}

// Sorts the frames of an outbox, span by span, into those that stay and those that go.
struct Outbox::Sieve {
  std::vector<Span> kept;
  std::vector<Span> dropped;
  std::size_t kept_pinned = 0;
  bool begun = true;    // what continues belongs to the message that is begun
  bool goes = false;    // the message that the frame belongs to
  bool stop = false;    // what is left from this span on is little and new enough: its first live message stays,
  bool enough = false;  // and with it all that follow

  void keep(const Span& piece) {
    const auto near = std::span(kept).last(std::min(kept.size(), kNearSpans));
    if (std::ranges::find(near, piece.segment, &Span::segment) == near.end()) kept_pinned += piece.segment->capacity();
    add_piece(piece, kept);
  }

  void sift(const FrameRecord& record, const Span& frame) {
    if (record.seq == 0) {
      if (!record.checkpoint || dropped.empty()) keep(frame);
      return;
    }
    if (!record.continues) {
      begun = false;
      if (stop && record.live()) enough = true;
      goes = record.live() && !enough;
    }
    if (begun || !goes) return keep(frame);
    add_piece(frame, dropped);
  }

  void sift(const Span& at, bool partly_sent) {
    const std::uint32_t end = at.offset + at.length;
    const std::uint32_t from = partly_sent ? at.segment->frame_end(at.offset) : at.offset;
    if (partly_sent) keep({at.segment, at.offset, from - at.offset});
    const auto records = at.segment->records(from, end);
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::uint32_t frame_end = i + 1 < records.size() ? records[i + 1].offset : end;
      sift(records[i], {at.segment, records[i].offset, frame_end - records[i].offset});
    }
  }
};

std::vector<Span> Outbox::drop_messages(const Keep& keep, OutboxPool& pool) {
  Sieve sieve;
  std::size_t rest_pinned = pinned_bytes_;  // by the spans that were not sifted yet
  const std::size_t count = spans();
  for (std::size_t index = 0; index < count; ++index) {
    const Span at = span(index);
    const bool last = index + 1 == count;
    const bool little = last || sieve.kept_pinned + rest_pinned <= keep.pinned_max;
    sieve.stop = little && at.segment->created() >= keep.since;
    sieve.sift(at, index == 0 && frame_begun());
    if (!recurs(index)) rest_pinned -= at.segment->capacity();
  }
  assert(rest_pinned == 0);
  if (sieve.dropped.empty()) return {};
  for (const Span& span : sieve.kept) pool.segments().retain(span.segment);
  for (const Span& span : sieve.dropped) pool.segments().retain(span.segment);
  clear(pool);
  for (const Span& span : sieve.kept) {
    append(span, pool);
    pool.segments().release(span.segment);
  }
  return std::move(sieve.dropped);
}

}  // namespace ringcast::broker
