#include "topics/history.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ringcast::topics {

void History::limit(std::uint32_t messages_max) noexcept {
  assert(size_ == 0);
  assert(messages_max <= kHistoryMessagesMax);
  messages_max_ = messages_max;
}

void History::push(Message* message, MessagePool& pool) {
  if (messages_max_ == 0) return;
  assert(newest_ == nullptr || newest_->seq < message->seq);
  if (size_ == messages_max_) drop_oldest(pool);
  if (newest_ != nullptr) {
    if (size_ - 1 == capacity_) grow_slow();
    older_[(begin_ + size_ - 1) % capacity_] = newest_;
  }
  pool.retain(message);
  newest_ = message;
  ++size_;
}

void History::drop_oldest(MessagePool& pool) noexcept {
  assert(size_ > 0);
  --size_;
  if (size_ == 0) {
    pool.release(std::exchange(newest_, nullptr));
    return;
  }
  pool.release(older_[begin_]);
  begin_ = (begin_ + 1) % capacity_;
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
  return first_above<&Message::seq>(seq);
}

std::size_t History::first_after_position(std::uint64_t position) const noexcept {
  return first_above<&Message::position>(position);
}

template <std::uint64_t Message::* Rising>
std::size_t History::first_above(std::uint64_t value) const noexcept {
  std::size_t low = 0;
  std::size_t high = size_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if ((*this)[middle]->*Rising > value) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

void History::grow_slow() {
  constexpr std::uint32_t kCapacityMin = 4;
  const std::uint32_t capacity = std::min(std::max(capacity_ * 2, kCapacityMin), messages_max_ - 1);
  auto grown = std::make_unique<Message*[]>(capacity);
  for (std::uint32_t i = 0; i + 1 < size_; ++i) grown[i] = older_[(begin_ + i) % capacity_];
  older_ = std::move(grown);
  capacity_ = capacity;
  begin_ = 0;
}

void History::check_invariants() const {
  assert(size_ <= messages_max_);
  assert((size_ == 0) == (newest_ == nullptr));
  assert(size_ == 0 || size_ - 1 <= capacity_);
  assert(capacity_ == 0 || capacity_ < messages_max_);
  assert((capacity_ == 0) == (older_ == nullptr));
  for (std::size_t i = 0; i < size_; ++i) {
    assert((*this)[i]->references > 0);
    assert((*this)[i]->op != Op::event);
    assert(i == 0 || (*this)[i - 1]->seq < (*this)[i]->seq);
  }
}

}  // namespace ringcast::topics
