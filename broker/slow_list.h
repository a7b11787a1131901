// SlowList: the connections that were closed lately because they were too slow: whom to ask when all is over.
//
// Bounded: the oldest make room. Thread: one shard's.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "broker/connection_kind.h"
#include "broker/slot.h"

namespace ringcast::broker {

// A connection that was closed, and what was known of it then.
struct SlowConsumer {
  SlotId slot;
  ConnectionKind kind = ConnectionKind::http;
  std::string_view why;            // "size", "age", "budget"
  std::int64_t closed_us = 0;      // UTC
  std::uint64_t owed_bytes = 0;    // that waited for its socket
  std::uint64_t pinned_bytes = 0;  // that it kept from being freed
  std::int64_t oldest_ms = 0;      // how long its oldest message had waited
  std::uint32_t subscriptions = 0;
  std::string filter;  // of its first subscription; empty: none
  std::string peer;    // address and port; empty: not known
};

class SlowList {
 public:
  static constexpr std::size_t kMax = 64;  // a shard's: what fits on a screen or two

  void add(SlowConsumer consumer) { entries_[count_++ % kMax] = std::move(consumer); }

  // Those whose peer nobody has looked up yet: visit(entry). The connection layer's, while the socket is still there.
  template <typename Visitor>
  void name(Visitor&& visit) {
    for (std::uint64_t i = std::max(named_, count_ - std::min<std::uint64_t>(count_, kMax)); i < count_; ++i)
      visit(entries_[i % kMax]);
    named_ = count_;
  }
  [[nodiscard]] bool unnamed() const noexcept { return named_ != count_; }

  // visit(entry), newest first.
  template <typename Visitor>
  void visit(Visitor&& visit) const {
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(count_, kMax); ++i) visit(entries_[(count_ - 1 - i) % kMax]);
  }

 private:
  std::array<SlowConsumer, kMax> entries_;
  std::uint64_t count_ = 0;  // that were ever added
  std::uint64_t named_ = 0;
};

}  // namespace ringcast::broker
