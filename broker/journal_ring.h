// JournalRing: a shard's journal on its way to the operators' thread.
//
// Threads: the shard's calls file(), the operators' drain(). Bounded: what finds no room is counted, and told.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "broker/journal.h"
#include "broker/queue.h"

namespace ringcast::broker {

class JournalRing {
 public:
  static constexpr std::size_t kCapacity = 256;  // more than a second's, and the operators' thread comes each second

  // Takes the entries; true when there were any.
  [[nodiscard]] bool file(std::vector<Journal::Entry>& entries) {
    queue_.reclaim([](Journal::Entry& entry) { entry = {}; });
    for (Journal::Entry& entry : entries) {
      if (!queue_.push(entry)) lost_.fetch_add(1, std::memory_order_relaxed);
    }
    entries.clear();
    return queue_.flush();
  }

  // Calls take(entry) for each that has come, oldest first.
  template <typename Take>
  void drain(Take&& take) {
    for (const Journal::Entry* entry = queue_.front(); entry != nullptr; entry = queue_.front()) {
      take(*entry);
      queue_.pop();
    }
    (void)queue_.release();
  }
  // Those that found no room since the last call.
  [[nodiscard]] std::uint64_t take_lost() noexcept { return lost_.exchange(0, std::memory_order_relaxed); }

 private:
  Queue<Journal::Entry> queue_{kCapacity};
  std::atomic<std::uint64_t> lost_ = 0;  // relaxed: nothing else is read on the strength of it
};

}  // namespace ringcast::broker
