#include "perf/tally.h"

#include <algorithm>
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
  assert(layout_.streams % layout_.topics == 0);
  assert(layout_.each <= layout_.topics);
  assert(layout_.hears_all.size() == layout_.subscribers);
  std::size_t prints = 0;
  for (std::uint32_t s = 0; s < layout_.subscribers; ++s) {
    print_rows_.push_back(prints);
    prints += layout_.topics_of(s);
  }
  prints_.resize(prints);
  deliveries_of_.resize(layout_.streams);
}

std::uint64_t Tally::lost(const std::vector<std::uint32_t>& sent) const {
  std::uint64_t lost = 0;
  for (std::uint32_t s = 0; s < layout_.subscribers; ++s) {
    for (std::uint32_t place = 0; place < layout_.topics_of(s); ++place) {
      for (std::uint32_t i = layout_.topic_at(s, place); i < layout_.streams; i += layout_.topics) {
        lost += sent[i] - ledger_.distinct(s, layout_.place(place, i));
      }
    }
  }
  return lost;
}

std::uint32_t Tally::disagreements() const {
  std::vector<const std::uint64_t*> first(layout_.topics);
  std::vector<bool> differs(layout_.topics);
  for (std::uint32_t s = 0; s < layout_.subscribers; ++s) {
    for (std::uint32_t place = 0; place < layout_.topics_of(s); ++place) {
      const std::uint32_t topic = layout_.topic_at(s, place);
      const std::uint64_t& print = prints_[print_rows_[s] + place];
      if (first[topic] == nullptr) first[topic] = &print;
      if (print != *first[topic]) differs[topic] = true;
    }
  }
  return static_cast<std::uint32_t>(std::ranges::count(differs, true));
}

}  // namespace ringcast::perf
