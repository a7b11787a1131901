// Usage: what a process has used of its machine so far, from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace ringcast::perf {

struct Usage {
  std::uint64_t cpu_ns = 0;     // on a CPU, all living threads together, to the nanosecond (/proc/PID/task/*/schedstat)
  std::uint64_t rss_bytes = 0;  // VmRSS
  std::uint64_t anon_bytes = 0;  // RssAnon
};

// None where the process has gone or /proc does not say.
[[nodiscard]] std::optional<Usage> read_usage(pid_t pid);

// TCP segments that this network namespace has sent so far (/proc/net/snmp); none where /proc does not say.
[[nodiscard]] std::optional<std::uint64_t> read_segments();

// The monotonic clock, in nanoseconds.
[[nodiscard]] std::uint64_t now_ns() noexcept;

// CPU nanoseconds of the calling thread.
[[nodiscard]] std::uint64_t own_cpu_ns() noexcept;

}  // namespace ringcast::perf
