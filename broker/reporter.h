// Reporter: what the shards' journals say, as lines of the log: level, text and facts. Pure.
//
// Bounded once more, over all shards together. Thread: the operators'.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "broker/config.h"
#include "broker/instant.h"
#include "broker/journal.h"
#include "broker/log_line.h"

namespace ringcast::broker {

class Reporter {
 public:
  static constexpr std::uint32_t kPerSecond = 20;  // lines of a kind, of all shards

  using Tell = std::function<void(LogLevel level, std::string_view text, std::span<const LogField> fields)>;

  explicit Reporter(Tell tell) : tell_(std::move(tell)) {}

  // Tells an entry of this shard, or counts it.
  void take(std::uint32_t shard, const Journal::Entry& entry, Instant now);
  // So many entries of a shard found no room.
  void lost(std::uint32_t shard, std::uint64_t count);
  // Tells how many more there were of each kind in a second that is over. Once a second or more often.
  void settle(Instant now);

 private:
  Tell tell_;
  Throttle throttle_{kPerSecond};
};

}  // namespace ringcast::broker
