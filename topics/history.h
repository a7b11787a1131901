// History: the last N messages of one topic, each held by one reference of the home's pool.
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

class History {
 public:
  // Keeps up to `messages_max` messages from now on. Requires: empty, messages_max <= kHistoryMessagesMax.
  void limit(std::uint32_t messages_max) noexcept;

  // Adds the newest message (one more reference); the oldest is released when there are too many.
  // Requires: message->seq is greater than that of newest().
  void push(Message* message, MessagePool& pool);

  // Releases the oldest. Requires: not empty.
  void drop_oldest(MessagePool& pool) noexcept;

  void clear(MessagePool& pool) noexcept;  // releases all and frees the ring; the limit stays

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t messages_max() const noexcept { return messages_max_; }

  // The newest message, a REMOVE included; null when empty.
  [[nodiscard]] Message* newest() const noexcept { return newest_; }

  // The i-th oldest. Requires: i < size().
  [[nodiscard]] Message* operator[](std::size_t i) const noexcept;

  // The place of the first message with seq > `seq`; size() if there is none. O(log size).
  [[nodiscard]] std::size_t first_after(std::uint64_t seq) const noexcept;
  // The same by position: the place of the first message with position > `position`.
  [[nodiscard]] std::size_t first_after_position(std::uint64_t position) const noexcept;

  void check_invariants() const;

 private:
  template <std::uint64_t Message::* Rising>
  [[nodiscard]] std::size_t first_above(std::uint64_t value) const noexcept;
  void grow_slow();

  // All but the newest: a ring of `capacity_` pointers, the oldest at `begin_`.
  std::unique_ptr<Message*[]> older_;
  Message* newest_ = nullptr;
  std::uint32_t messages_max_ = 1;
  std::uint32_t size_ = 0;  // newest included
  std::uint32_t capacity_ = 0;
  std::uint32_t begin_ = 0;
};

}  // namespace ringcast::topics
