// IdempotencyKeys: what a home remembers of publishes that came with a key of their own (HTTP's Idempotency-Key), so
// that a repeat gets the first one's answer.
//
// Window:    kept_ms, or the last keys_max keys, whichever is less.
// Memory:    64 bytes a key and at most 22 in the table: 5.6 MB for keys_max of them.
// Thread:    its shard's. No clock: the time comes with each call, in ms, never decreasing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "topics/index_table.h"
#include "topics/slab.h"

namespace ringcast::topics {

// A key (with its topic and subject) and a body, both only as keyed hashes: 128 bits that no client can make collide.
struct KeyedBody {
  std::uint64_t key_high = 0;
  std::uint64_t key_low = 0;
  std::uint64_t body = 0;
};

class IdempotencyKeys {
 public:
  struct Options {
    std::uint32_t keys_max = 65'536;  // 1 or more. At 100 POST/s to one home they last the 10 minutes
    std::int64_t kept_ms = 600'000;   // what retries of a client that is still there need
  };

  enum class Verdict : std::uint8_t {
    fresh,
    duplicate,  // the key came before with this body
    reused,     // the key came before with another body
  };
  // What became of the first publish with a key.
  struct First {
    std::uint64_t seq = 0;
    std::uint64_t position = 0;
    std::int64_t time_us = 0;
  };
  struct Checked {
    Verdict verdict = Verdict::fresh;
    First first;  // duplicate
  };

  explicit IdempotencyKeys(const Options& options);

  // What a publish with this key is. Changes nothing.
  [[nodiscard]] Checked check(const KeyedBody& publish, std::int64_t now_ms) const noexcept;

  // Remembers what became of the publish; the oldest key goes when there are too many. Allocates nothing once keys_max
  // were there. Requires: check() of the same said fresh.
  void record(const KeyedBody& publish, const First& first, std::int64_t now_ms);

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }  // some may be past their time
  void check_invariants() const;

 private:
  static constexpr std::uint32_t kNone = IndexTable::kNone;

  struct alignas(64) Entry {
    KeyedBody publish;
    First first;
    std::int64_t at_ms = 0;
    std::uint32_t older = kNone;  // in the order of coming
    std::uint32_t newer = kNone;
  };
  static_assert(sizeof(Entry) == 64);

  [[nodiscard]] std::uint32_t find(const KeyedBody& publish) const noexcept;
  [[nodiscard]] bool past_its_time(const Entry& entry, std::int64_t now_ms) const noexcept;
  void forget(std::uint32_t index);

  Options options_;
  Slab<Entry> entries_;
  IndexTable by_key_;
  std::uint32_t oldest_ = kNone;  // ends of the order of coming
  std::uint32_t newest_ = kNone;
};

}  // namespace ringcast::topics
