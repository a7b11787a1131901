#include "broker/repeats.h"

#include <cassert>
#include <utility>
#include <variant>

namespace ringcast::broker {
namespace {

Outcome outcome_of(topics::Producers::Verdict verdict) {
  switch (verdict) {
    case topics::Producers::Verdict::fresh:
      return Outcome::sequenced;
    case topics::Producers::Verdict::duplicate:
      return Outcome::duplicate;
    case topics::Producers::Verdict::too_old:
      return Outcome::too_old;
    case topics::Producers::Verdict::fenced:
      return Outcome::fenced;
    case topics::Producers::Verdict::too_many:
      return Outcome::too_many_producers;
  }
  std::unreachable();
}

Outcome outcome_of(topics::Producers::Claim claim) {
  switch (claim) {
    case topics::Producers::Claim::claimed:
      return Outcome::sequenced;
    case topics::Producers::Claim::fenced:
      return Outcome::fenced;
    case topics::Producers::Claim::too_many:
      return Outcome::too_many_producers;
  }
  std::unreachable();
}

Outcome outcome_of(topics::IdempotencyKeys::Verdict verdict) {
  switch (verdict) {
    case topics::IdempotencyKeys::Verdict::fresh:
      return Outcome::sequenced;
    case topics::IdempotencyKeys::Verdict::duplicate:
      return Outcome::duplicate;
    case topics::IdempotencyKeys::Verdict::reused:
      return Outcome::key_reused;
  }
  std::unreachable();
}

}  // namespace

Repeats::Checked Repeats::check(const Repeat& repeat, Instant now) const {
  if (const auto* numbered = std::get_if<topics::ProducerSeq>(&repeat)) {
    return {.outcome = outcome_of(producers_.check(*numbered, now.ms))};
  }
  if (const auto* keyed = std::get_if<topics::KeyedBody>(&repeat)) {
    const auto checked = keys_.check(*keyed, now.ms);
    return {.outcome = outcome_of(checked.verdict), .first = checked.first};
  }
  return {};
}

void Repeats::record(const Repeat& repeat, const Checked& checked, const topics::Publisher& publisher, Instant now) {
  if (const auto* numbered = std::get_if<topics::ProducerSeq>(&repeat)) {
    producers_.record(*numbered, publisher, now.ms);  // a duplicate too: its producer was here
  } else if (const auto* keyed = std::get_if<topics::KeyedBody>(&repeat)) {
    if (checked.outcome == Outcome::sequenced) keys_.record(*keyed, checked.first, now.ms);
  }
}

Repeats::Claimed Repeats::check_claim(const Repeat& repeat, const topics::Publisher& holder, Instant now) const {
  const auto* producer = std::get_if<topics::ProducerSeq>(&repeat);
  assert(producer != nullptr);
  const auto claimed = producers_.check_claim(producer->id, producer->incarnation, holder, now.ms);
  return {.outcome = outcome_of(claimed.claim), .previous = claimed.previous};
}

Repeats::Claimed Repeats::claim(const Repeat& repeat, const topics::Publisher& holder, Instant now) {
  const auto* producer = std::get_if<topics::ProducerSeq>(&repeat);
  assert(producer != nullptr);
  const auto claimed = producers_.claim(producer->id, producer->incarnation, holder, now.ms);
  return {.outcome = outcome_of(claimed.claim), .previous = claimed.previous};
}

}  // namespace ringcast::broker
