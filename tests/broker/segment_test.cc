#include "broker/segment.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <string>
#include <vector>

using namespace ringcast::broker;

namespace {

// A frame of `size` bytes for the message `seq`.
Span write(SegmentWriter& writer, std::uint32_t size, std::uint64_t seq) {
  writer.begin(size);
  const MutableBytes bytes = writer.frame(size, {.seq = seq});
  REQUIRE(bytes.size() == size);
  std::ranges::fill(bytes, static_cast<std::uint8_t>(seq));
  return writer.finish();
}

}  // namespace

TEST_CASE("frames lie side by side until the segment is full, and a new one begins with the frame that did not fit") {
  SegmentPool pool;
  SegmentWriter writer(pool);
  const Span first = write(writer, 20'000, 1);
  const Span second = write(writer, 20'000, 2);
  CHECK(first.segment == second.segment);
  CHECK(second.offset == first.offset + first.length);
  const Span exact = write(writer, Segment::kSizeUsual - 40'000, 3);
  CHECK(exact.segment == first.segment);
  CHECK(exact.segment->size() == exact.segment->capacity());
  CHECK(writer.retired() == 0);
  CHECK(write(writer, 1, 4).offset == 0);
  CHECK(writer.retired() == 1);
  CHECK(pool.live() == 1);  // nobody held the full one
}

TEST_CASE("a frame of 32 KiB has a segment of its own, one of a byte less does not") {
  SegmentPool pool;
  SegmentWriter writer(pool);
  const Span small = write(writer, 10, 1);
  CHECK(write(writer, SegmentWriter::kOwnSegmentBytes - 1, 2).segment == small.segment);
  pool.retain(small.segment);
  const Span large = write(writer, SegmentWriter::kOwnSegmentBytes, 3);
  CHECK(large.segment != small.segment);
  pool.retain(large.segment);
  const Span after = write(writer, 10, 4);
  CHECK(after.segment != large.segment);
  CHECK(pool.live() == 3);
  pool.release(small.segment);
  pool.release(large.segment);
  CHECK(pool.live() == 1);
}

TEST_CASE("a frame larger than a usual segment gets one of its size") {
  SegmentPool pool;
  SegmentWriter writer(pool);
  const Span huge = write(writer, 1'000'000, 1);
  CHECK(huge.length == 1'000'000);
  CHECK(huge.segment->capacity() == 1'000'000);
  CHECK(pool.live_bytes() == 1'000'000);
  writer.retire();
  CHECK(pool.live_bytes() == 0);
}

TEST_CASE("a segment knows its frames: where each begins and ends, at every offset") {
  SegmentPool pool;
  SegmentWriter writer(pool);
  std::vector<std::uint32_t> ends;
  for (std::uint32_t size = 1; size <= 20; ++size) {
    const Span span = write(writer, size, size);
    ends.push_back(span.offset + span.length);
  }
  const Segment& segment = *writer.current();
  std::uint32_t begin = 0;
  for (const std::uint32_t end : ends) {
    for (std::uint32_t offset = begin; offset < end; ++offset) {
      CHECK(segment.frame_begin(offset) == begin);
      CHECK(segment.frame_end(offset) == end);
    }
    begin = end;
  }
  const auto records = segment.records(ends[2], ends[5]);
  REQUIRE(records.size() == 3);
  CHECK(records.front().seq == 4);
  CHECK(records.back().seq == 6);
  CHECK(segment.records(ends[2] + 1, ends[3]).empty());
}

TEST_CASE("what begins with begin() and has several frames is one span") {
  SegmentPool pool;
  SegmentWriter writer(pool);
  writer.begin(100);
  (void)writer.frame(30, {.seq = 1});
  (void)writer.frame(20, {.seq = 1});
  const Span span = writer.finish();
  CHECK(span.length == 50);
  CHECK(span.segment->frame_end(0) == 30);
  CHECK(write(writer, 5, 2).offset == 50);  // room that was asked for and not used is used by the next
}

TEST_CASE("a copy holds just its frames, with their records moved to where they lie") {
  SegmentPool pool;
  SegmentWriter writer(pool);
  (void)write(writer, 100, 1);
  const Span span = write(writer, 10, 2);
  Segment* const copy =
      pool.copy(span.segment->bytes(span.offset, 10), span.segment->records(span.offset, span.offset + 10), span.offset,
                span.segment->created());
  CHECK(copy->capacity() == 10);
  CHECK(copy->bytes(0, 10)[9] == 2);
  REQUIRE(copy->records(0, 10).size() == 1);
  CHECK(copy->records(0, 10).front().offset == 0);
  CHECK(copy->records(0, 10).front().seq == 2);
  CHECK(pool.live() == 2);
  pool.release(copy);
  CHECK(pool.live() == 1);
}

TEST_CASE("a segment is written to for a second, so that it says how old its frames are") {
  SegmentPool pool;
  pool.set_now({50'000});
  SegmentWriter writer(pool);
  Segment* const first = write(writer, 10, 1).segment;
  CHECK(first->created() == ringcast::Instant{50'000});
  pool.set_now({50'000 + Segment::kAgeMaxMs - 1});
  CHECK(write(writer, 10, 2).segment == first);
  pool.set_now({50'000 + Segment::kAgeMaxMs});
  const Segment* const second = write(writer, 10, 3).segment;
  CHECK(second->created() == pool.now());
  CHECK(writer.retired() == 1);
}

TEST_CASE("a pool keeps 64 usual segments for reuse, empty, and frees the others") {
  SegmentPool pool;
  std::vector<Segment*> made;
  for (std::size_t i = 0; i < SegmentPool::kIdleMax + 1; ++i) made.push_back(pool.make(1));
  CHECK(pool.live() == SegmentPool::kIdleMax + 1);
  for (Segment* segment : made) pool.release(segment);
  CHECK(pool.live() == 0);
  CHECK(pool.live_bytes() == 0);
  Segment* const again = pool.make(1);
  CHECK(std::ranges::find(made, again) != made.end());
  CHECK(again->size() == 0);
  pool.release(again);
}
