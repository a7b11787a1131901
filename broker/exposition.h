// Exposition: what /metrics says, in Prometheus's text format. exposition.cc is the one file that includes
// prometheus-cpp.
//
// Thread: the operators'. Pure: all numbers come in.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "broker/stats.h"
#include "topics/shard_set.h"

namespace ringcast::broker {

inline constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

// What the kernel says of the process.
struct ProcessFigures {
  double cpu_seconds = 0;  // user and system
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;
  double started_s = 0;  // since 1970
  std::uint64_t threads = 0;
};

// All families. A shard of `silent` did not answer this time: it is told by its last numbers, and by ringcast_shard_up.
[[nodiscard]] std::string exposition(const About& about, State state, std::span<const Sampled> shards,
                                     topics::ShardSet silent, const ProcessFigures& process);

}  // namespace ringcast::broker
