// History: the last N messages of one topic, or B bytes of them, each held by one reference of the home's pool.
//
// N = 0 keeps nothing; N = 1, the default, is one pointer without an allocation; more is a ring that grows by doubling
// up to N and then stays. SET and REMOVE enter, EVENT does not, so seqs rise but may have holes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "topics/message_pool.h"

namespace ringcast::topics {

inline constexpr std::uint32_t kHistoryMessagesMax = 1'000'000;  // per topic: keeps a ring's pointers under 8 MiB

// The newest message is kept whatever its size: a topic that has a value has one however little room is given to it.
inline constexpr std::uint32_t kHistoryBytesMax = 1U << 31U;  // per topic: sums of sizes stay within 32 bits

class History {
 public:
  struct Limits {
    std::uint32_t messages_max = 1;              // up to kHistoryMessagesMax; 0: nothing. Never less than at the
                                                 // push before, but after trim()
    std::uint32_t bytes_max = kHistoryBytesMax;  // Message::total_size() of all of them; but one is always kept
  };

  // Adds the newest message (one more reference); the oldest are released while there are too many. The position of
  // the newest that is not kept: one that was released, or `message` itself; 0: all are.
  // Requires: message->seq is greater than that of newest().
  std::uint64_t push(Message* message, const Limits& limits, MessagePool& pool);

  // Releases the oldest. Requires: not empty.
  void drop_oldest(MessagePool& pool) noexcept;

  // Releases the oldest until the limits hold, at most `count_max` of them: so they may become less than they were.
  struct Trimmed {
    std::uint64_t lost_position = 0;  // of the newest that was released; 0: none was
    bool done = false;                // the limits hold
  };
  Trimmed trim(const Limits& limits, std::uint32_t count_max, MessagePool& pool);

  void clear(MessagePool& pool) noexcept;  // releases all and frees the ring

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t bytes() const noexcept { return bytes_; }  // Message::total_size() of all

  // The newest message, a REMOVE included; null when empty.
  [[nodiscard]] Message* newest() const noexcept { return newest_; }

  // The i-th oldest. Requires: i < size().
  [[nodiscard]] Message* operator[](std::size_t i) const noexcept;

  // The place of the first message with seq > `seq`; size() if there is none. O(log size).
  [[nodiscard]] std::size_t first_after(std::uint64_t seq) const noexcept;
  // The same by position: the place of the first message with position > `position`.
  [[nodiscard]] std::size_t first_after_position(std::uint64_t position) const noexcept;
  // The same by time: the place of the first message that is not older than `time_us`.
  [[nodiscard]] std::size_t first_since(std::int64_t time_us) const noexcept;

  void check_invariants() const;

 private:
  template <typename Below>
  [[nodiscard]] std::size_t first_not(Below&& below) const noexcept;
  void grow_slow(std::uint32_t messages_max);
  void set_capacity(std::uint32_t capacity);

  // All but the newest: a ring of `capacity_` pointers, the oldest at `begin_`.
  std::unique_ptr<Message*[]> older_;
  Message* newest_ = nullptr;
  std::uint32_t bytes_ = 0;
  std::uint32_t size_ = 0;  // newest included
  std::uint32_t capacity_ = 0;
  std::uint32_t begin_ = 0;
};

}  // namespace ringcast::topics
