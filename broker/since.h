// Since: from where on a subscription that comes back misses what its filter matches. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "broker/checkpoint.h"
#include "proto/request.h"

namespace ringcast::broker {

struct Since {
  // By home: all up to there has come. Nothing if that is not known: then all that is kept is missing.
  std::vector<std::optional<std::uint64_t>> positions;
  std::int64_t time_us = INT64_MIN;  // what is older is not wanted; UTC
  bool foreign = false;              // of another epoch, or nobody's: nothing can be said of what is missing
};

// `received`: positions that count where they are above the checkpoint's. Of another epoch than `epoch` none counts.
// Requires: origins of `received` below `shards`, or a foreign checkpoint.
[[nodiscard]] Since since_checkpoint(const Checkpoint& checkpoint, std::uint64_t epoch, std::uint32_t shards,
                                     std::span<const proto::OriginPosition> received);
[[nodiscard]] Since since_time(std::int64_t time_us, std::uint32_t shards);
[[nodiscard]] Since since_ever(std::uint32_t shards);

}  // namespace ringcast::broker
