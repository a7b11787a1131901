// Solo: what one connection is owed apart from any group: while it is behind, still joining, hears a topic by several
// of its subscriptions, or lags (broker/latest.h). Plain state of Latest's, on the heap while it is needed.
//
// Thread: one shard's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/instant.h"
#include "broker/pace.h"
#include "topics/owed_set.h"

namespace ringcast::broker {

// What it is owed at one pace. A topic is in one set of a connection only.
struct SoloSet {
  Pace pace = kUnpaced;
  topics::OwedSet owed;
  std::uint64_t boundary = 0;      // what has an older stamp is due
  Instant due = Instant::never();  // while it is behind and so not in its pace's list: when the tick would have been
  bool listed = false;             // in its pace's list
};

// The updates of a lagging connection that were replaced by newer ones before it could take them, for its Lag event.
struct Merged {
  static constexpr std::size_t kRangesMax = 256;
  struct Range {
    std::string topic;
    std::uint64_t first_seq = 0;
    std::uint64_t last_seq = 0;
  };
  std::uint64_t count = 0;
  std::vector<Range> ranges;
  bool more_ranges = false;
};

struct Solo {
  std::vector<std::unique_ptr<SoloSet>> sets;  // few; they stay where they are
  bool ready = false;                          // in Latest's list of those that go on in the next turn
  bool stale = false;  // subscriptions ended or changed: what is owed is looked at again before it is sent
  // Of its subscriptions, sorted: (group, index in the session). Empty: not known.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> places;
  Merged merged;  // while it lags
  // Of topics that it is owed, by their entries in Latest's table: between which positions of the topic's origin it
  // hears what it publishes itself, where one of its subscriptions does not.
  struct Heard {
    std::uint64_t first = 0;
    std::uint64_t last = UINT64_MAX;
  };
  std::multimap<std::uint32_t, Heard> heard;
};

}  // namespace ringcast::broker
