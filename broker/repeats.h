// Repeats: by what a home recognises publishes that came before: producers' numbers and keys given with a publish.
//
// Thread: its home's shard.
#pragma once

#include <cstdint>

#include "broker/instant.h"
#include "broker/mesh.h"
#include "topics/idempotency_keys.h"
#include "topics/producers.h"

namespace ringcast::broker {

class Repeats {
 public:
  using First = topics::IdempotencyKeys::First;
  struct Checked {
    Outcome outcome = Outcome::sequenced;  // sequenced: it is to be published; else what to answer
    First first;                           // a duplicate's by key
  };
  struct Claimed {
    Outcome outcome = Outcome::sequenced;  // sequenced: claimed
    topics::Publisher previous;            // claimed: whom to tell that it is fenced; the default if nobody
  };

  Repeats(const topics::Producers::Options& producers, const topics::IdempotencyKeys::Options& keys)
      : producers_(producers), keys_(keys) {}

  void set_producers_max(std::uint32_t producers_max) noexcept { producers_.set_producers_max(producers_max); }

  // What a publish is. Changes nothing, so that the home can first see to room for it.
  [[nodiscard]] Checked check(const Repeat& repeat, Instant now) const;

  // Remembers what was published, or seen to be a duplicate, as check() of the same has just said.
  void record(const Repeat& repeat, const Checked& checked, const topics::Publisher& publisher, Instant now);

  // What claim() would say. Changes nothing.
  [[nodiscard]] Claimed check_claim(const Repeat& repeat, const topics::Publisher& holder, Instant now) const;
  // Makes `holder` the one that publishes as the producer. Requires: `repeat` is a ProducerSeq.
  Claimed claim(const Repeat& repeat, const topics::Publisher& holder, Instant now);

  [[nodiscard]] const topics::Producers& producers() const noexcept { return producers_; }
  [[nodiscard]] const topics::IdempotencyKeys& keys() const noexcept { return keys_; }

 private:
  topics::Producers producers_;
  topics::IdempotencyKeys keys_;
};

}  // namespace ringcast::broker
