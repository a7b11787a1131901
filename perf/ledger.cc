#include "perf/ledger.h"

#include <cassert>

namespace ringcast::perf {

Ledger::Ledger(std::span<const std::uint32_t> heard) {
  std::size_t entries = 0;
  rows_.reserve(heard.size());
  for (const std::uint32_t count : heard) {
    rows_.push_back(entries);
    entries += count;
  }
  assert(entries <= kEntriesMax);
  entries_.resize(entries);
}

void Ledger::add_slow(Entry& entry, std::uint32_t number) noexcept {
  constexpr std::uint32_t kWindow = 64;  // bits of Entry::seen
  if (number > entry.last) {             // some are missing, or late
    const std::uint32_t step = number - entry.last;
    entry.seen = (step < kWindow ? entry.seen << step : 0) | 1;
    entry.last = number;
    ++entry.distinct;
    return;
  }
  const std::uint32_t back = entry.last - number;
  if (back < kWindow && (entry.seen >> back & 1) != 0) {
    ++doubled_;
    return;
  }
  if (back < kWindow) entry.seen |= std::uint64_t{1} << back;
  ++out_of_order_;
  ++entry.distinct;
}

}  // namespace ringcast::perf
