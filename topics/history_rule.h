// HistoryRule: how much the topics of a pattern keep, and for how long.
#pragma once

#include <cstdint>
#include <string>

#include "topics/history.h"

namespace ringcast::topics {

struct HistoryRule {
  std::string filter;                          // valid; of the rule for all other topics it says nothing
  std::uint32_t messages_max = 1;              // 0: nothing is kept, not even the last value
  std::uint32_t bytes_max = kHistoryBytesMax;  // of one topic's messages, names included; but one is always kept
  std::int64_t age_ms = 0;  // older messages go; when the topic's value is, it is removed: REMOVE. 0: no limit
  std::int64_t ttl_ms = 0;  // a topic to which nothing was published for so long is removed: REMOVE. 0: never

  friend bool operator==(const HistoryRule&, const HistoryRule&) = default;
};

}  // namespace ringcast::topics
