#include "topics/producers.h"

#include <algorithm>
#include <cassert>

namespace ringcast::topics {
namespace {

constexpr std::uint32_t kForgetPerNew = 2;  // more than one: those past their time dwindle while new ones come

// Spreads ids, whose low bits the table takes: they may be counters.
constexpr std::uint64_t spread(std::uint64_t id) noexcept {
  return (id * 0x9e37'79b9'7f4a'7c15U) >> 32;
}

}  // namespace

Producers::Verdict Producers::check(const ProducerSeq& publish, std::int64_t now_ms) const noexcept {
  assert(publish.seq > 0);
  const std::uint32_t index = find(publish.id);
  if (index == kNone) return has_place(now_ms) ? Verdict::fresh : Verdict::too_many;
  const Record& record = records_[index];
  if (publish.incarnation < record.incarnation) return Verdict::fenced;
  if (publish.seq > record.highest) return Verdict::fresh;
  if (record.highest - publish.seq >= kWindow) return Verdict::too_old;
  const std::uint64_t bit = publish.seq % kWindow;
  const bool seen = (record.seen[bit / kWordBits] >> bit % kWordBits & 1) != 0;
  return seen ? Verdict::duplicate : Verdict::fresh;
}

void Producers::record(const ProducerSeq& publish, const Publisher& holder, std::int64_t now_ms) {
  Record& record = use(publish.id, now_ms);
  assert(publish.incarnation >= record.incarnation);
  record.incarnation = publish.incarnation;
  record.holder = holder;
  const std::uint64_t seq = publish.seq;
  if (seq > record.highest) clear_skipped(record, seq);
  record.highest = std::max(record.highest, seq);
  assert(record.highest - seq < kWindow);
  record.seen[seq % kWindow / kWordBits] |= std::uint64_t{1} << seq % kWordBits;
}

// The numbers between the highest and `seq` have not come: their bits still tell of those kWindow below.
void Producers::clear_skipped(Record& record, std::uint64_t seq) noexcept {
  if (seq - record.highest >= kWindow) return record.seen.fill(0);
  for (std::uint64_t n = record.highest + 1; n < seq;) {
    const std::uint64_t shift = n % kWordBits;
    const std::uint64_t count = std::min(kWordBits - shift, seq - n);
    record.seen[n % kWindow / kWordBits] &= ~(~std::uint64_t{0} >> (kWordBits - count) << shift);
    n += count;
  }
}

Producers::Claimed Producers::check_claim(std::uint64_t id, std::uint64_t incarnation, const Publisher& holder,
                                          std::int64_t now_ms) const noexcept {
  const std::uint32_t index = find(id);
  if (index == kNone) return {.claim = has_place(now_ms) ? Claim::claimed : Claim::too_many};
  const Record& record = records_[index];
  const bool same_holder = record.holder == holder;
  // Two connections of one incarnation: homes may hear them in different orders, so whoever is second is refused.
  if (incarnation < record.incarnation || (incarnation == record.incarnation && !same_holder)) {
    return {.claim = Claim::fenced};
  }
  return {.claim = Claim::claimed, .previous = same_holder ? Publisher{} : record.holder};
}

Producers::Claimed Producers::claim(std::uint64_t id, std::uint64_t incarnation, const Publisher& holder,
                                    std::int64_t now_ms) {
  const Claimed claimed = check_claim(id, incarnation, holder, now_ms);
  if (claimed.claim != Claim::claimed) return claimed;
  Record& record = use(id, now_ms);
  record.incarnation = incarnation;
  record.holder = holder;
  return claimed;
}

void Producers::set_producers_max(std::uint32_t producers_max) noexcept {
  options_.producers_max = producers_max;
  size_max_ = std::max<std::size_t>(producers_max, size());
}

std::uint32_t Producers::find(std::uint64_t id) const noexcept {
  return by_id_.find(spread(id), [&](std::uint32_t index) { return records_[index].id == id; });
}

bool Producers::past_its_time(const Record& record, std::int64_t now_ms) const noexcept {
  return now_ms - record.used_ms >= options_.idle_max_ms + kUsedWithinMs;
}

bool Producers::has_place(std::int64_t now_ms) const noexcept {
  return size() < options_.producers_max || (oldest_ != kNone && past_its_time(records_[oldest_], now_ms));
}

Producers::Record& Producers::use(std::uint64_t id, std::int64_t now_ms) {
  std::uint32_t index = find(id);
  if (index == kNone) index = make_slow(id, now_ms);
  Record& record = records_[index];
  if (now_ms - record.used_ms >= kUsedWithinMs) {
    record.used_ms = now_ms;
    unlink(index);
    link_newest(index);
  }
  return record;
}

std::uint32_t Producers::make_slow(std::uint64_t id, std::int64_t now_ms) {
  for (std::uint32_t i = 0; i < kForgetPerNew; ++i) {
    if (oldest_ != kNone && past_its_time(records_[oldest_], now_ms)) forget_oldest();
  }
  assert(size() < size_max_);
  const std::uint32_t index = records_.take();
  records_[index] = Record{.id = id, .used_ms = now_ms};
  by_id_.insert(spread(id), index);
  link_newest(index);
  return index;
}

void Producers::forget_oldest() {
  const std::uint32_t index = oldest_;
  unlink(index);
  by_id_.erase(spread(records_[index].id), index);
  records_.give_back(index);
}

void Producers::link_newest(std::uint32_t index) noexcept {
  Record& record = records_[index];
  record.older = newest_;
  record.newer = kNone;
  (newest_ == kNone ? oldest_ : records_[newest_].newer) = index;
  newest_ = index;
}

void Producers::unlink(std::uint32_t index) noexcept {
  const Record& record = records_[index];
  (record.older == kNone ? oldest_ : records_[record.older].newer) = record.newer;
  (record.newer == kNone ? newest_ : records_[record.newer].older) = record.older;
}

void Producers::check_invariants() const {
  std::size_t linked = 0;
  std::uint32_t older = kNone;
  for (std::uint32_t index = oldest_; index != kNone; index = records_[index].newer, ++linked) {
    const Record& record = records_[index];
    assert(record.older == older);
    assert(older == kNone || records_[older].used_ms <= record.used_ms);
    assert(find(record.id) == index);
    const std::uint64_t bit = record.highest % kWindow;
    const bool highest_seen = (record.seen[bit / kWordBits] >> bit % kWordBits & 1) != 0;
    assert(highest_seen == (record.highest > 0));
    older = index;
  }
  assert(older == newest_);
  assert(linked == size());
  assert(linked == by_id_.size());
  assert(linked <= size_max_);
  by_id_.check_invariants();
}

}  // namespace ringcast::topics
