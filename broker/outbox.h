// Outbox: what one connection is owed, as spans of shared segments, in order.
//
// Adjacent spans merge, so a connection that is owed everything of a turn owes one contiguous range. An empty outbox is
// 32 bytes and owns nothing else; the list of further spans is lent by OutboxPool and goes back when it is empty.
//
// Thread:    one shard's.
// Invariant: every span but the first begins at a frame; every span ends at one. owed_bytes() is the sum of the spans.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "broker/segment.h"

namespace ringcast::broker {

class OutboxPool;

class Outbox {
 public:
  Outbox() = default;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  ~Outbox();  // REQUIRES: empty(); the pool is needed to clear

  // Hot path: once per subscriber and run of messages. Takes a reference of its own.
  void append(const Span& span, OutboxPool& pool) {
    owed_bytes_ += span.length;
    if (front_.segment == nullptr) {
      start(span, pool);
    } else if (Span& last = back(); last.segment == span.segment && last.offset + last.length == span.offset) {
      last.length += span.length;
    } else {
      append_slow(span, pool);
    }
  }
  // Takes over all that `other` is owed, which is empty then.
  void append_all(Outbox& other, OutboxPool& pool);
  // Puts whole frames before the first message that is not partly sent, behind others that carry none (FrameRecord): so
  // control frames do not wait behind data, keep their order and never come before the answer to the handshake.
  void append_urgent(const Span& span, OutboxPool& pool);

  [[nodiscard]] bool empty() const noexcept { return front_.segment == nullptr; }
  [[nodiscard]] std::size_t owed_bytes() const noexcept { return owed_bytes_; }
  // The capacity of all segments that this outbox keeps from being freed: what the limit on it counts. One whose frames
  // alternate with those of a few others counts once.
  [[nodiscard]] std::size_t pinned_bytes() const noexcept { return pinned_bytes_; }

  // The next bytes to send, at most `size_max`: in place where one span is worth a send, else gathered into `scratch`.
  [[nodiscard]] Bytes gather(MutableBytes scratch, std::size_t size_max) const;
  // The socket took the first `size` bytes.
  void consume(std::size_t size, OutboxPool& pool);

  // True when the first frame was sent in part: it must be finished before anything else can be said.
  [[nodiscard]] bool frame_begun() const noexcept;
  // The rest of the begun frame, in memory that stays until it is consumed and that pins little. For an armed send.
  [[nodiscard]] Bytes begun_frame(OutboxPool& pool);
  // Drops everything from the first message on, but not the rest of a begun frame.
  void truncate(OutboxPool& pool);

  // What drop_messages() leaves.
  struct Keep {
    std::size_t pinned_max = 0;  // bytes: the oldest go until no more is pinned, but the last span stays for this alone
    Instant since = Instant::never();  // what was written before goes too
  };
  // Drops live messages, oldest first, until what is left is within `keep`; the default drops all. Not the message that
  // is begun, and no checkpoint before which nothing was dropped; all other frames stay in their order. Returns what
  // was dropped, oldest first, in spans of whole messages, each with a reference that is the caller's to release.
  [[nodiscard]] std::vector<Span> drop_messages(const Keep& keep, OutboxPool& pool);
  // Puts a whole message before the first that is not begun: where drop_messages() has left a gap.
  void append_before_messages(const Span& span, OutboxPool& pool);
  // When the oldest live message that is not begun was written, at the earliest; never() if there is none.
  [[nodiscard]] Instant oldest_message() const noexcept;

  void clear(OutboxPool& pool);

  // Copies out what this outbox holds of segments that are no longer written to (all but `current`) and of which it
  // uses less than 1/8. A message now and then would otherwise pin 64 KiB each.
  void unpin(std::span<Segment* const> current, OutboxPool& pool);

  void check_invariants() const;

 private:
  friend class OutboxPool;
  struct More {
    std::vector<Span> spans;
    std::size_t head = 0;     // spans before it are consumed
    std::size_t checked = 0;  // unpin() has looked at the spans before it
  };
  static constexpr std::size_t kSpanWorthASend =
      8 * 1024;  // bytes; below it a copy is cheaper than a packet of its own
  static constexpr std::uint32_t kUnpinShare = 8;
  // Spans back to where a segment is looked for: messages, newest values, answers and ids are written to different
  // ones.
  static constexpr std::size_t kNearSpans = 4;

  // A place between two frames: `offset` bytes into the span `index`, of which 0 is the front.
  struct Cut {
    std::size_t index = 0;
    std::uint32_t offset = 0;
  };

  void start(const Span& span, OutboxPool& pool);
  void append_slow(const Span& span, OutboxPool& pool);
  [[nodiscard]] Span& back() noexcept { return more_ == nullptr ? front_ : more_->spans.back(); }
  [[nodiscard]] std::size_t spans() const noexcept {
    return empty() ? 0 : more_ == nullptr ? 1 : 1 + more_->spans.size() - more_->head;
  }
  [[nodiscard]] const Span& span(std::size_t index) const noexcept {
    return index == 0 ? front_ : more_->spans[more_->head + index - 1];
  }
  struct Sieve;
  [[nodiscard]] Cut first_message() const noexcept;
  template <typename Wanted>
  [[nodiscard]] Cut find_frame(Wanted&& wanted) const noexcept;
  void put_at(Cut cut, const Span& span, OutboxPool& pool);
  void split(Cut cut, OutboxPool& pool);
  void insert(std::size_t index, const Span& span, OutboxPool& pool);
  void pop_front(OutboxPool& pool);
  // Whether one of the near spans before this one, or behind it, is of the same segment.
  [[nodiscard]] bool occurred(std::size_t index) const noexcept;
  [[nodiscard]] bool recurs(std::size_t index) const noexcept;
  [[nodiscard]] std::size_t count_pinned() const noexcept;
  [[nodiscard]] bool unpin_group(std::span<Span> group, OutboxPool& pool);

  Span front_;
  std::unique_ptr<More> more_;  // spans after the front, at least one; null when there is none
  std::uint32_t owed_bytes_ = 0;
  std::uint32_t pinned_bytes_ = 0;
};

// What the outboxes of a shard share: their segments, and lists that are lent to those that owe more than one span.
class OutboxPool {
 public:
  static constexpr std::size_t kIdleMax = 1024;  // lists kept: one for each busy connection of a turn

  explicit OutboxPool(SegmentPool& segments) : segments_(segments) {}
  [[nodiscard]] SegmentPool& segments() noexcept { return segments_; }

 private:
  friend class Outbox;
  [[nodiscard]] std::unique_ptr<Outbox::More> lend();
  void take_back(std::unique_ptr<Outbox::More> more);

  SegmentPool& segments_;
  std::vector<std::unique_ptr<Outbox::More>> idle_;
};

}  // namespace ringcast::broker
