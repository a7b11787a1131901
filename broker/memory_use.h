// MemoryUse: what each shard pins for its subscribers, for all shards to read: together they keep the process's budget.
//
// Threads: each shard writes its own word, any thread reads all. Relaxed: a number that is a turn old does as well, and
//          nothing else is read on the strength of it.
#pragma once

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
    // A line that others read is left alone while nothing changes. Only its own shard writes it.
    if (word.bytes.load(std::memory_order_relaxed) != bytes) word.bytes.store(bytes, std::memory_order_relaxed);
  }

  // Of all shards, each as it last said.
  [[nodiscard]] std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (std::uint32_t shard = 0; shard < shards_; ++shard) sum += words_[shard].bytes.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  struct Word {
    alignas(64) std::atomic<std::uint64_t> bytes = 0;  // a cache line each
  };

  std::uint32_t shards_;
  std::unique_ptr<Word[]> words_;
};

}  // namespace ringcast::broker
