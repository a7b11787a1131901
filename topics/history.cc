#include "topics/history.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ringcast::topics {

std::uint64_t History::push(Message* message, const Limits& limits, MessagePool& pool) {
  assert(limits.messages_max <= kHistoryMessagesMax);
  assert(limits.bytes_max <= kHistoryBytesMax);
  if (limits.messages_max == 0) return message->position;
  assert(newest_ == nullptr || newest_->seq < message->seq);
  const auto bytes = static_cast<std::uint32_t>(message->total_size());
  std::uint64_t lost = 0;
  while (size_ == limits.messages_max || (size_ > 0 && bytes_ + bytes > limits.bytes_max)) {
    lost = (*this)[0]->position;
    drop_oldest(pool);
  }
  if (newest_ != nullptr) {
    if (size_ - 1 == capacity_) grow_slow(limits.messages_max);
    older_[(begin_ + size_ - 1) % capacity_] = newest_;
  }
  pool.retain(message);
  newest_ = message;
  bytes_ += bytes;
  ++size_;
  return lost;
}

void History::drop_oldest(MessagePool& pool) noexcept {
  assert(size_ > 0);
  Message* const oldest = size_ == 1 ? std::exchange(newest_, nullptr) : older_[begin_];
  if (size_ > 1) begin_ = (begin_ + 1) % capacity_;
  --size_;
  bytes_ -= static_cast<std::uint32_t>(oldest->total_size());
  pool.release(oldest);
}

History::Trimmed History::trim(const Limits& limits, std::uint32_t count_max, MessagePool& pool) {
  Trimmed trimmed;
  const auto fits = [&] {
    return size_ <= limits.messages_max && (bytes_ <= limits.bytes_max || size_ == 1 || size_ == 0);
  };
  for (; count_max > 0 && !fits(); --count_max) {
    trimmed.lost_position = (*this)[0]->position;
    drop_oldest(pool);
  }
  trimmed.done = fits();
  const std::uint32_t older_max = std::max(limits.messages_max, 1U) - 1;
  if (trimmed.done && capacity_ > older_max) set_capacity(older_max);
  return trimmed;
}

void History::clear(MessagePool& pool) noexcept {
  while (size_ > 0) drop_oldest(pool);
  older_.reset();
  capacity_ = 0;
  begin_ = 0;
}

Message* History::operator[](std::size_t i) const noexcept {
  assert(i < size_);
  return i + 1 == size_ ? newest_ : older_[(begin_ + i) % capacity_];
}

std::size_t History::first_after(std::uint64_t seq) const noexcept {
  return first_not([&](const Message& message) { return message.seq <= seq; });
}

std::size_t History::first_after_position(std::uint64_t position) const noexcept {
  return first_not([&](const Message& message) { return message.position <= position; });
}

std::size_t History::first_since(std::int64_t time_us) const noexcept {
  return first_not([&](const Message& message) { return message.time_us < time_us; });
}

// The place of the first message that is not below, as all behind it are not.
template <typename Below>
std::size_t History::first_not(Below&& below) const noexcept {
  std::size_t low = 0;
  std::size_t high = size_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (below(*(*this)[middle])) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void History::grow_slow(std::uint32_t messages_max) {
  constexpr std::uint32_t kCapacityMin = 4;
  const std::uint32_t capacity = std::min(std::max(capacity_ * 2, kCapacityMin), messages_max - 1);
  set_capacity(capacity);
}

// Requires: room for all but the newest.
void History::set_capacity(std::uint32_t capacity) {
  auto ring = capacity > 0 ? std::make_unique<Message*[]>(capacity) : nullptr;
  for (std::uint32_t i = 0; i + 1 < size_; ++i) ring[i] = older_[(begin_ + i) % capacity_];
  older_ = std::move(ring);
  capacity_ = capacity;
  begin_ = 0;
}

void History::check_invariants() const {
  assert((size_ == 0) == (newest_ == nullptr));
  assert(size_ == 0 || size_ - 1 <= capacity_);
  assert((capacity_ == 0) == (older_ == nullptr));
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    bytes += (*this)[i]->total_size();
    assert((*this)[i]->references > 0);
    assert((*this)[i]->op != Op::event);
    assert(i == 0 || (*this)[i - 1]->seq < (*this)[i]->seq);
  }
  assert(bytes == bytes_);
}

}  // namespace ringcast::topics
