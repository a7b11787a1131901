#include "perf/tally.h"

#include <cassert>
#include <utility>

namespace ringcast::perf {
namespace {

std::vector<std::uint32_t> heard_of(const Layout& layout) {
  std::vector<std::uint32_t> heard;
  heard.reserve(layout.subscribers);
  for (std::uint32_t s = 0; s < layout.subscribers; ++s) heard.push_back(layout.heard(s));
  return heard;
}

}  // namespace

Tally::Tally(Layout layout) : layout_(std::move(layout)), ledger_(heard_of(layout_)) {
  assert(layout_.topics > 0);
  assert(layout_.publishers % layout_.topics == 0);
  assert(layout_.hears_all.size() == layout_.subscribers);
  std::size_t prints = 0;
  for (std::uint32_t s = 0; s < layout_.subscribers; ++s) {
    print_rows_.push_back(prints);
    prints += layout_.hears_all[s] ? layout_.topics : 1;
  }
  prints_.resize(prints);
  deliveries_of_.resize(layout_.publishers);
}

std::uint64_t Tally::lost(const std::vector<std::uint32_t>& sent) const {
  std::uint64_t lost = 0;
  for (std::uint32_t s = 0; s < layout_.subscribers; ++s) {
    for (std::uint32_t p = 0; p < layout_.publishers; ++p) {
      if (layout_.hears(s, p)) lost += sent[p] - ledger_.distinct(s, layout_.place(s, p));
    }
  }
  return lost;
}

std::uint32_t Tally::disagreements() const {
  std::uint32_t topics = 0;
  for (std::uint32_t topic = 0; topic < layout_.topics; ++topic) {
    const std::uint64_t* first = nullptr;
    bool same = true;
    for (std::uint32_t s = 0; s < layout_.subscribers; ++s) {
      if (!layout_.hears_all[s] && s % layout_.topics != topic) continue;
      const std::uint64_t& print = prints_[print_rows_[s] + (layout_.hears_all[s] ? topic : 0)];
      if (first == nullptr) first = &print;
      same = same && print == *first;
    }
    if (!same) ++topics;
  }
  return topics;
}

}  // namespace ringcast::perf
