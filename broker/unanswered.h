// Unanswered: the publishes of one connection that a home has not answered yet, in the order in which they came.
//
// Answers come in any order, as the homes differ. What is bounded: the caller reads no further while size() or bytes()
// is at its limit. Thread: one shard's. Hot path: add() and answer() once per publish; grows to its peak, then no
// allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringcast::broker {

class Unanswered {
 public:
  // Adds a publish of `bytes` payload that the client calls `id`; returns the ticket that its answer carries.
  std::uint32_t add(std::uint64_t id, std::uint32_t bytes);

  // A publish was refused without asking a home: it counts as answered.
  void add_refused(std::size_t bytes) noexcept {
    ++answered_;
    answered_bytes_ += bytes;
  }

  // The answer to `ticket` has come: what the client calls it. REQUIRES: it was added and not answered before.
  std::uint64_t answer(std::uint32_t ticket);

  // The largest id up to which all are answered; 0 before there is one.
  [[nodiscard]] std::uint64_t answered_up_to() const noexcept { return answered_up_to_; }

  [[nodiscard]] std::size_t size() const noexcept { return waiting_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return waiting_bytes_; }
  // Since the connection opened.
  [[nodiscard]] std::uint64_t answered() const noexcept { return answered_; }
  [[nodiscard]] std::uint64_t answered_bytes() const noexcept { return answered_bytes_; }

 private:
  struct Entry {
    std::uint64_t id = 0;
    std::uint32_t bytes = 0;
    bool answered = false;
  };

  [[nodiscard]] Entry& at(std::uint32_t ticket) noexcept { return entries_[ticket & (entries_.size() - 1)]; }
  void grow();

  std::vector<Entry> entries_;  // a ring; its size is a power of two
  std::uint32_t first_ = 0;     // ticket of the oldest that is kept
  std::uint32_t next_ = 0;
  std::size_t waiting_ = 0;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t answered_bytes_ = 0;
  std::uint64_t answered_up_to_ = 0;
};

}  // namespace ringcast::broker
