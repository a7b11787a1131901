#include "broker/io/cpus.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <memory>

#include "broker/config.h"
#include "broker/io/text_file.h"

namespace ringcast::io {
namespace {

// Cuts the part of `text` before `separator` off its front; all of it where there is none.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool lists(std::string_view comma_separated, std::string_view name) {
  while (!comma_separated.empty()) {
    if (cut(comma_separated, ',') == name) return true;
  }
  return false;
}

std::optional<std::int64_t> number(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The process's group in each version: "4:cpu,cpuacct:/docker/1a2b" and "0::/kubepods/pod7" in /proc/self/cgroup.
struct Groups {
  std::optional<std::string_view> v1;
  std::optional<std::string_view> v2;
};

Groups parse_groups(std::string_view cgroup, std::string_view controller) {
  Groups groups;
  while (!cgroup.empty()) {
    std::string_view line = cut(cgroup, '\n');
    const std::string_view id = cut(line, ':');
    const std::string_view controllers = cut(line, ':');
    if (!line.starts_with('/')) continue;
    if (lists(controllers, controller)) groups.v1 = line;
    if (id == "0" && controllers.empty()) groups.v2 = line;
  }
  return groups;
}

// One line of mountinfo: "ID PARENT DEVICE ROOT POINT OPTIONS [OPTIONAL…] - TYPE SOURCE SUPEROPTIONS".
struct Mount {
  std::string_view root;
  std::string_view point;
  std::string_view type;
  std::string_view options;
};

Mount parse_mount(std::string_view line) {
  Mount mount;
  for (int skipped = 0; skipped < 3; ++skipped) cut(line, ' ');
  mount.root = cut(line, ' ');
  mount.point = cut(line, ' ');
  while (!line.empty() && cut(line, ' ') != "-") {
  }
  mount.type = cut(line, ' ');
  cut(line, ' ');
  mount.options = line;
  return mount;
}

// `group` as seen below a mount whose root is the group `root`. Where it is not below it (a container that shares the
// host's cgroup namespace but not its mounts), the mount itself is the nearest that can be seen.
std::string below(std::string_view group, std::string_view root) {
  if (root != "/") {
    const bool inside = group.starts_with(root) && (group.size() == root.size() || group[root.size()] == '/');
    group = inside ? group.substr(root.size()) : std::string_view{};
  }
  return group == "/" ? std::string() : std::string(group);
}

std::optional<double> tighter(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

std::optional<double> group_cpus(CgroupMount::Version version, const std::string& directory) {
  if (version == CgroupMount::Version::v2) return parse_cpu_max(read_text_file(directory + "/cpu.max"));
  return parse_cfs(read_text_file(directory + "/cpu.cfs_quota_us"), read_text_file(directory + "/cpu.cfs_period_us"));
}

}  // namespace

std::vector<CgroupMount> parse_cgroups(std::string_view cgroup, std::string_view mountinfo,
                                       std::string_view controller) {
  using Version = CgroupMount::Version;
  const Groups groups = parse_groups(cgroup, controller);
  std::vector<CgroupMount> mounts;
  while (!mountinfo.empty()) {
    const Mount mount = parse_mount(cut(mountinfo, '\n'));
    if (mount.type == "cgroup2" && groups.v2) {
      mounts.push_back({Version::v2, std::string(mount.point), below(*groups.v2, mount.root)});
    } else if (mount.type == "cgroup" && lists(mount.options, controller) && groups.v1) {
      mounts.push_back({Version::v1, std::string(mount.point), below(*groups.v1, mount.root)});
    }
  }
  return mounts;
}

std::optional<double> parse_cpu_max(std::string_view text) {
  const auto quota = number(cut(text, ' '));
  const auto period = number(text);
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;  // "max" is not a number
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<double> parse_cfs(std::string_view quota, std::string_view period) {
  const auto quota_us = number(quota);
  const auto period_us = number(period);
  if (!quota_us || !period_us || *quota_us <= 0 || *period_us <= 0) return std::nullopt;  // -1: no limit
  return static_cast<double>(*quota_us) / static_cast<double>(*period_us);
}

std::vector<CgroupDirectory> cgroup_directories(std::string_view controller, const std::string& root) {
  std::vector<CgroupDirectory> directories;
  const auto mounts = parse_cgroups(read_text_file(root + "/proc/self/cgroup"),
                                    read_text_file(root + "/proc/self/mountinfo"), controller);
  for (const CgroupMount& mount : mounts) {
    const std::string top = root + mount.mount_point;
    std::string path = top + mount.group;
    directories.push_back({mount.version, path});
    while (path.size() > top.size()) {
      path.resize(path.rfind('/'));
      directories.push_back({mount.version, path});
    }
  }
  return directories;
}

std::optional<double> cgroup_cpus(const std::string& root) {
  std::optional<double> tightest;
  for (const CgroupDirectory& group : cgroup_directories("cpu", root)) {
    tightest = tighter(tightest, group_cpus(group.version, group.path));
  }
  return tightest;
}

unsigned affinity_cpus() {
  // The kernel refuses a mask smaller than its own; 1024 CPUs are usual, larger machines exist.
  for (std::size_t cpus = 1024; cpus <= 65536; cpus *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(CPU_ALLOC(cpus), [](cpu_set_t* set) { CPU_FREE(set); });
    const std::size_t size = CPU_ALLOC_SIZE(cpus);
    if (::sched_getaffinity(0, size, mask.get()) == 0) return static_cast<unsigned>(CPU_COUNT_S(size, mask.get()));
    if (errno != EINVAL) break;
  }
  return 1;
}

unsigned shards_for(unsigned affinity, std::optional<double> quota) noexcept {
  unsigned shards = std::min<unsigned>(affinity, broker::kShardsByCpusMax);
  // Rounded down: a shard without a CPU of its own stalls the others each time the quota is used up.
  if (quota) shards = static_cast<unsigned>(std::min<double>(shards, std::floor(*quota)));
  return std::max(shards, 1U);
}

}  // namespace ringcast::io
