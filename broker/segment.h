// Segment: encoded frames, one after another, that any number of outboxes of one shard point into.
//
// A message is encoded once per encoding and shard into the current segment of a SegmentWriter; what a connection is
// owed is a span of it. Beside the bytes stands a record per frame, from which is read where a control frame may go and
// what a span carries.
//
// Thread:   one shard's. The reference count is a plain integer.
// Lifetime: a segment is given back to its pool when the writer and every span have let go.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "broker/instant.h"
#include "topics/topic_handle.h"

namespace ringcast::broker {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

// What a frame carries. Frames that carry no message (control frames, answers, HTTP) have seq 0.
struct FrameRecord {
  std::uint32_t offset = 0;     // of the frame's first byte in its segment
  std::uint16_t origin = 0;     // the home shard of the topic
  bool continues : 1 = false;   // not the first of its message's frames
  bool event : 1 = false;       // its message is one of op EVENT
  bool opening : 1 = false;     // one of those that a subscription begins with, not a live one
  bool checkpoint : 1 = false;  // no message: says that all before it was delivered
  topics::TopicHandle topic;    // of a live message
  std::uint64_t position = 0;
  std::uint64_t seq = 0;

  [[nodiscard]] bool live() const noexcept { return seq != 0 && !opening; }
};
static_assert(sizeof(FrameRecord) == 32);

class Segment {
 public:
  // A cap on what one retained segment holds, and the size that almost all have: many small frames share it, and one
  // blocked connection pins no more than this by a single frame.
  static constexpr std::uint32_t kSizeUsual = 64 * 1024;  // bytes

  // A writer begins another segment after this: how old a frame is, is known so well.
  static constexpr std::int64_t kAgeMaxMs = 1'000;

  explicit Segment(std::uint32_t capacity) : bytes_(new std::uint8_t[capacity]), capacity_(capacity) {}

  [[nodiscard]] Bytes bytes(std::uint32_t offset, std::uint32_t length) const noexcept {
    assert(offset <= size_);
    assert(length <= size_ - offset);
    return {bytes_.get() + offset, length};
  }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::uint32_t references() const noexcept { return references_; }
  // When its first frame was written; no other is more than kAgeMaxMs younger.
  [[nodiscard]] Instant created() const noexcept { return created_; }

  // The records of the frames that begin in [from, to).
  [[nodiscard]] std::span<const FrameRecord> records(std::uint32_t from, std::uint32_t to) const noexcept;

  // Where the frame that holds the byte at `offset` begins, and where it ends.
  [[nodiscard]] std::uint32_t frame_begin(std::uint32_t offset) const noexcept;
  [[nodiscard]] std::uint32_t frame_end(std::uint32_t offset) const noexcept;

 private:
  friend class SegmentPool;
  friend class SegmentWriter;

  std::unique_ptr<std::uint8_t[]> bytes_;
  std::vector<FrameRecord> records_;  // by offset
  std::uint32_t capacity_;
  std::uint32_t size_ = 0;
  std::uint32_t references_ = 0;
  Instant created_;
};

// The segments of one shard. Usual ones are kept for reuse, others freed at once.
class SegmentPool {
 public:
  static constexpr std::size_t kIdleMax = 64;  // segments kept (4 MiB a shard): a burst's worth, given back after it

  SegmentPool() = default;
  SegmentPool(const SegmentPool&) = delete;
  SegmentPool& operator=(const SegmentPool&) = delete;
  ~SegmentPool();

  // A segment with one reference and room for at least `capacity` bytes.
  [[nodiscard]] Segment* make(std::uint32_t capacity);
  // A segment of exactly the size of `frames`, holding a copy of them and of `records`, whose offsets start at `base`.
  // As old as the one that they are copied from.
  [[nodiscard]] Segment* copy(Bytes frames, std::span<const FrameRecord> records, std::uint32_t base, Instant created);
  void retain(Segment* segment) noexcept { ++segment->references_; }
  void release(Segment* segment) noexcept;

  [[nodiscard]] std::size_t live() const noexcept { return live_; }              // segments in use
  [[nodiscard]] std::size_t live_bytes() const noexcept { return live_bytes_; }  // their capacity

  // The time of this turn, which new segments get.
  void set_now(Instant now) noexcept { now_ = now; }
  [[nodiscard]] Instant now() const noexcept { return now_; }

 private:
  Instant now_;
  std::vector<Segment*> idle_;
  std::size_t live_ = 0;
  std::size_t live_bytes_ = 0;
};

// A piece of a segment that a connection is owed. Begins and ends at frames, but for an outbox's first, which may be
// partly sent.
struct Span {
  Segment* segment = nullptr;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
};

// Appends frames of one encoding to the current segment of that encoding.
class SegmentWriter {
 public:
  // From this size on a frame has a segment of its own, so that it pins nothing else.
  static constexpr std::uint32_t kOwnSegmentBytes = 32 * 1024;

  explicit SegmentWriter(SegmentPool& pool) : pool_(pool) {}
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;
  ~SegmentWriter() { retire(); }

  // Begins something of at most `size` contiguous bytes, one or more frames. Ends with finish().
  void begin(std::uint32_t size);
  // A frame of `size` bytes starts here: where to write it. REQUIRES: begin() made room for it.
  [[nodiscard]] MutableBytes frame(std::uint32_t size, FrameRecord record);
  // What was written since begin(). Borrowed: an outbox that takes it takes a reference.
  [[nodiscard]] Span finish();

  // Begins, writes one frame and finishes.
  [[nodiscard]] Span append(Bytes frame);

  // The segment that frames are appended to now, or null.
  [[nodiscard]] Segment* current() const noexcept { return current_; }
  // Lets go of the current segment; the next frame begins a new one.
  void retire();
  // How often a segment was let go: a blocked connection looks then whether it pins too much.
  [[nodiscard]] std::uint64_t retired() const noexcept { return retired_; }

 private:
  SegmentPool& pool_;
  Segment* current_ = nullptr;
  std::uint32_t begun_at_ = 0;
  std::uint64_t retired_ = 0;
  bool own_ = false;  // the current segment belongs to what was written last
};

}  // namespace ringcast::broker
