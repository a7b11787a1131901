// How many CPUs this process may really use: its affinity and the quotas of its control groups, versions 1 and 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::io {

// A mounted hierarchy of control groups, and this process's group in it.
struct CgroupMount {
  enum class Version : std::uint8_t { v1, v2 };

  Version version;
  std::string mount_point;  // where it is mounted
  std::string group;        // our group below the mount point: "" or "/a/b"

  friend bool operator==(const CgroupMount&, const CgroupMount&) = default;
};

// The hierarchies in which `controller` ("cpu", "memory") can limit us, from the contents of /proc/self/cgroup and
// /proc/self/mountinfo (cgroups(7), proc(5)). Lines that are not understood are skipped.
[[nodiscard]] std::vector<CgroupMount> parse_cgroups(std::string_view cgroup, std::string_view mountinfo,
                                                     std::string_view controller = "cpu");

// Where a group has its files.
struct CgroupDirectory {
  CgroupMount::Version version;
  std::string path;
};

// Our group and all groups above it, in each of those hierarchies: a limit of any of them holds for us too, as a pod's
// is set on the parent of its containers' groups. `root` stands before every path: "" but in tests.
[[nodiscard]] std::vector<CgroupDirectory> cgroup_directories(std::string_view controller, const std::string& root);

// CPUs of a version 2 limit ("150000 100000" is 1.5), from the contents of cpu.max. None: no limit, or not understood.
[[nodiscard]] std::optional<double> parse_cpu_max(std::string_view text);

// The same of version 1, from the contents of cpu.cfs_quota_us and cpu.cfs_period_us.
[[nodiscard]] std::optional<double> parse_cfs(std::string_view quota, std::string_view period);

// CPUs that the tightest quota of our group and all groups above it allows. `root` stands before every path: "" but in
// tests.
[[nodiscard]] std::optional<double> cgroup_cpus(const std::string& root = "");

// CPUs in this thread's affinity mask, which cpusets narrow too.
[[nodiscard]] unsigned affinity_cpus();

// What `--shards auto` means: a shard for each whole CPU, at least 1, at most broker::kShardsByCpusMax.
[[nodiscard]] unsigned shards_for(unsigned affinity, std::optional<double> quota) noexcept;

}  // namespace ringcast::io
