// Parsers of what Linux says about itself under /proc (proc(5)). Pure: text in, numbers out.
//
// Machine reads the files and calls these. A file that is absent or in another form gives nothing, never an error: not
// every kernel has every file, and a demo shows what there is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::client {

// One "cpuN" line of /proc/stat, in ticks since the start. Busy: all but idle and iowait.
struct CpuTimes {
  std::uint32_t cpu = 0;
  std::uint64_t busy = 0;
  std::uint64_t total = 0;

  friend bool operator==(const CpuTimes&, const CpuTimes&) = default;
};

// All of them, in order; lines that cannot be read are left out.
[[nodiscard]] std::vector<CpuTimes> parse_stat(std::string_view text);

// The share of time, 0 to 1, that one CPU was busy between two readings; 0 where no time has passed.
[[nodiscard]] double load_between(const CpuTimes& before, const CpuTimes& after) noexcept;

// /proc/meminfo, in bytes.
struct Memory {
  std::uint64_t total = 0;
  std::uint64_t available = 0;
  std::uint64_t cached = 0;
  std::uint64_t swap_total = 0;
  std::uint64_t swap_free = 0;

  friend bool operator==(const Memory&, const Memory&) = default;
};

// None where MemTotal or MemAvailable is missing.
[[nodiscard]] std::optional<Memory> parse_meminfo(std::string_view text);

// One line of /proc/net/dev, counted since the interface came up.
struct Interface {
  std::string name;
  std::uint64_t received_bytes = 0;
  std::uint64_t received_packets = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t sent_packets = 0;

  friend bool operator==(const Interface&, const Interface&) = default;
};

[[nodiscard]] std::vector<Interface> parse_net_dev(std::string_view text);

// /proc/pressure/*: the share of time, in percent, that some (or all: full) tasks waited, over 10 and 60 seconds.
struct Pressure {
  double some_avg10 = 0;
  double some_avg60 = 0;
  double full_avg10 = 0;  // 0 where the file has no "full" line
  double full_avg60 = 0;

  friend bool operator==(const Pressure&, const Pressure&) = default;
};

// None where there is no "some" line.
[[nodiscard]] std::optional<Pressure> parse_pressure(std::string_view text);

// /proc/loadavg: tasks runnable or waiting for disk, averaged over 1, 5 and 15 minutes.
struct LoadAverage {
  double one = 0;
  double five = 0;
  double fifteen = 0;
  std::uint64_t running = 0;
  std::uint64_t threads = 0;

  friend bool operator==(const LoadAverage&, const LoadAverage&) = default;
};

// None where the line cannot be read.
[[nodiscard]] std::optional<LoadAverage> parse_loadavg(std::string_view text);

}  // namespace ringcast::client
