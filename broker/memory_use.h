// MemoryUse: what each shard pins for its subscribers, and the most that it pins for one of them, for all shards to
// read: together they keep the process's budget, by the process's worst laggards.
//
// Threads: each shard writes its own word, any thread reads all. Relaxed: a number that is a turn old does as well, and
//          nothing else is read on the strength of it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory>

namespace ringcast::broker {

class MemoryUse {
 public:
  explicit MemoryUse(std::uint32_t shards) : shards_(shards), words_(new Word[shards]) {}

  void publish(std::uint32_t shard, std::uint64_t bytes) noexcept {
    assert(shard < shards_);
    Word& word = words_[shard];
    change(word.bytes, bytes);
  }
  // The most that one connection pins, without and with the newest values it is owed; 0 while the budget is not in
  // danger.
  struct Worst {
    std::uint64_t outbox_bytes = 0;
    std::uint64_t all_bytes = 0;
  };
  void publish_worst(std::uint32_t shard, const Worst& worst) noexcept {
    assert(shard < shards_);
    change(words_[shard].worst_outbox_bytes, worst.outbox_bytes);
    change(words_[shard].worst_all_bytes, worst.all_bytes);
  }

  // Of all shards, each as it last said.
  [[nodiscard]] std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (std::uint32_t shard = 0; shard < shards_; ++shard) sum += words_[shard].bytes.load(std::memory_order_relaxed);
    return sum;
  }

  [[nodiscard]] Worst worst() const noexcept {
    Worst worst;
    for (std::uint32_t shard = 0; shard < shards_; ++shard) {
      const Word& word = words_[shard];
      worst.outbox_bytes = std::max(worst.outbox_bytes, word.worst_outbox_bytes.load(std::memory_order_relaxed));
      worst.all_bytes = std::max(worst.all_bytes, word.worst_all_bytes.load(std::memory_order_relaxed));
    }
    return worst;
  }

 private:
  struct Word {
    alignas(64) std::atomic<std::uint64_t> bytes = 0;  // a cache line each
    std::atomic<std::uint64_t> worst_outbox_bytes = 0;
    std::atomic<std::uint64_t> worst_all_bytes = 0;
  };

  // A line that others read is left alone while nothing changes. Only its own shard writes it.
  static void change(std::atomic<std::uint64_t>& word, std::uint64_t to) noexcept {
    if (word.load(std::memory_order_relaxed) != to) word.store(to, std::memory_order_relaxed);
  }

  std::uint32_t shards_;
  std::unique_ptr<Word[]> words_;
};

}  // namespace ringcast::broker
