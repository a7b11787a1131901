// IdempotencyKeys: what a home remembers of publishes that came with a key of their own (HTTP's Idempotency-Key), so
// that a repeat gets the first one's answer.
#pragma once

#include <cstdint>

namespace ringcast::topics {

// A key (with its topic and subject) and a body, both only as keyed hashes: 128 bits that no client can make collide.
struct KeyedBody {
  std::uint64_t key_high = 0;
  std::uint64_t key_low = 0;
  std::uint64_t body = 0;
};

}  // namespace ringcast::topics
