#include "broker/since.h"

#include <algorithm>
#include <cassert>

namespace ringcast::broker {

Since since_checkpoint(const Checkpoint& checkpoint, std::uint64_t epoch, std::uint32_t shards,
                       std::span<const proto::OriginPosition> received) {
  if (checkpoint.epoch != epoch) return since_ever(shards);
  Since since;
  since.positions.resize(shards);
  for (std::uint32_t home = 0; home < shards; ++home) since.positions[home] = checkpoint.position_of(home);
  for (const proto::OriginPosition& of : received) {
    assert(of.origin < shards);
    // Of an origin that the checkpoint lacks nothing is known before the first live message, either.
    if (auto& known = since.positions[of.origin]; known) *known = std::max(*known, of.position);
  }
  return since;
}

Since since_time(std::int64_t time_us, std::uint32_t shards) {
  return {.positions = std::vector<std::optional<std::uint64_t>>(shards, 0), .time_us = time_us};
}

Since since_ever(std::uint32_t shards) {
  return {.positions = std::vector<std::optional<std::uint64_t>>(shards), .foreign = true};
}

}  // namespace ringcast::broker
