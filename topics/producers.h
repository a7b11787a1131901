// Producers: what a home remembers of each producer that numbers its publishes, so that a repeat is not published
// twice.
//
// Per producer: the highest seq and which of the kWindow below it came. A producer's numbers are spread over all homes,
// so a home sees holes. It has one *incarnation* per connection, rising: those of older ones are fenced off.
// Thread: its shard's. No clock: the time comes with each call.
#pragma once

#include <cstdint>

namespace ringcast::topics {

// One publish in a producer's own numbering.
struct ProducerSeq {
  std::uint64_t id = 0;           // the producer's
  std::uint64_t incarnation = 0;  // of the connection that it publishes by
  std::uint64_t seq = 0;          // 1 or more
};

}  // namespace ringcast::topics
