// Queue: a bounded ring from one shard to one other shard, or to itself.
//
// Threads:   exactly one shard calls the producer's half, exactly one the consumer's.
// Bounded:   push() returns false when it is full; the producer stops taking work. Nothing blocks, nothing is dropped.
// Memory:    an entry stays readable by the producer after the consumer has passed it, until reclaim() has seen it: so
//            what an entry points to is freed by the shard that made it, without any count shared between threads.
// Invariant: reclaimed <= head <= tail <= reclaimed + capacity; all four only grow.
#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ringcast::broker {

template <typename T>
class Queue {
 public:
  // `capacity` is in entries and a power of two.
  explicit Queue(std::size_t capacity) : mask_(capacity - 1), entries_(std::make_unique<T[]>(capacity)) {
    assert(std::has_single_bit(capacity));
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  // ---- producer ----

  // How many entries can be pushed now. What the consumer has passed counts after the next reclaim().
  [[nodiscard]] std::size_t room() const noexcept { return capacity() - (tail_ - reclaimed_); }

  // Writes an entry, which the consumer sees after the next flush(). False when there is no room.
  [[nodiscard]] bool push(const T& entry) noexcept {
    if (tail_ - reclaimed_ == capacity()) return false;
    entries_[tail_ & mask_] = entry;
    ++tail_;
    return true;
  }

  // Shows the consumer what was pushed. True when there was anything to show: then its shard may need a wake.
  bool flush() noexcept {
    if (flushed_ == tail_) return false;
    flushed_ = tail_;
    // seq_cst: pairs with the consumer's announcement that it sleeps (Doorbell), which it makes before it looks here.
    shared_tail_.store(tail_, std::memory_order_seq_cst);
    return true;
  }

  // True when something was pushed since the last flush().
  [[nodiscard]] bool unflushed() const noexcept { return flushed_ != tail_; }

  // Calls `free(entry)` once for each entry that the consumer has passed, oldest first.
  template <typename Free>
  void reclaim(Free&& free) {
    const std::uint64_t head = shared_head_.load(std::memory_order_acquire);  // pairs with release()
    for (; reclaimed_ != head; ++reclaimed_) free(entries_[reclaimed_ & mask_]);
  }

  // Calls `free(entry)` for all that is left, passed or not. Only when the consumer never looks again.
  template <typename Free>
  void abandon(Free&& free) {
    for (; reclaimed_ != tail_; ++reclaimed_) free(entries_[reclaimed_ & mask_]);
  }

  // Asks the consumer to wake this shard when it has passed more; false when it has already: then reclaim().
  [[nodiscard]] bool ask_for_room() noexcept {
    // seq_cst: pairs with release(), which stores the head before it reads this flag.
    producer_waits_.store(true, std::memory_order_seq_cst);
    return shared_head_.load(std::memory_order_seq_cst) == reclaimed_;
  }

  // ---- consumer ----

  // The oldest entry, or null. It is the consumer's to change until pop().
  [[nodiscard]] T* front() noexcept {
    if (head_ == tail_seen_) {
      tail_seen_ = shared_tail_.load(std::memory_order_acquire);  // pairs with flush()
      if (head_ == tail_seen_) return nullptr;
    }
    return &entries_[head_ & mask_];
  }

  // Passes the front.
  void pop() noexcept {
    assert(head_ != tail_seen_);
    ++head_;
  }

  // Gives the producer the passed entries back. True when the producer asked to be woken for that.
  [[nodiscard]] bool release() noexcept {
    if (released_ == head_) return false;
    released_ = head_;
    shared_head_.store(head_, std::memory_order_seq_cst);  // before the flag is read: see ask_for_room()
    return producer_waits_.load(std::memory_order_seq_cst) &&
           producer_waits_.exchange(false, std::memory_order_seq_cst);
  }

  // How many entries are there to read, some of them maybe not seen yet.
  [[nodiscard]] std::size_t depth() const noexcept { return shared_tail_.load(std::memory_order_relaxed) - head_; }

  // True when nothing is there to read. Reads the shared tail with the order that sleeping needs.
  [[nodiscard]] bool empty() const noexcept { return head_ == shared_tail_.load(std::memory_order_seq_cst); }

  [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }

 private:
  const std::size_t mask_;
  const std::unique_ptr<T[]> entries_;

  // 64: the cache line of every CPU we run on. Each side writes its own lines only.
  alignas(64) std::uint64_t tail_ = 0;  // producer's
  std::uint64_t flushed_ = 0;
  std::uint64_t reclaimed_ = 0;
  alignas(64) std::atomic<std::uint64_t> shared_tail_ = 0;
  alignas(64) std::uint64_t head_ = 0;  // consumer's
  std::uint64_t released_ = 0;
  std::uint64_t tail_seen_ = 0;
  alignas(64) std::atomic<std::uint64_t> shared_head_ = 0;
  std::atomic<bool> producer_waits_ = false;
};

}  // namespace ringcast::broker
