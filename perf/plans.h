// Plans: which connections a run of the load generator has, what each subscribes to, and what it says first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "perf/load_options.h"
#include "perf/swarm.h"
#include "perf/tally.h"

namespace ringcast::perf {

// "bench/7", or "bench.7" for a nats-server.
[[nodiscard]] std::string topic_name(Form form, std::uint32_t topic);

[[nodiscard]] Layout layout_of(const LoadOptions& options);

// Every connection; the Swarm's publishers are in the order of their numbers.
[[nodiscard]] std::vector<Plan> plans_of(const LoadOptions& options);

}  // namespace ringcast::perf
