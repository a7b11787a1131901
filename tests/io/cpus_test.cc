#include "broker/io/cpus.h"

#include <doctest/doctest.h>
#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "broker/config.h"

namespace ringcast::io {
namespace {

using Version = CgroupMount::Version;

constexpr std::string_view kMountinfoV2 =
    "24 30 0:22 / /proc rw,relatime - proc proc rw\n"
    "31 24 0:27 / /sys/fs/cgroup ro,nosuid shared:9 - cgroup2 cgroup rw,nsdelegate\n";

constexpr std::string_view kMountinfoV1 =
    "33 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:10 master:3 - cgroup cgroup rw,cpu,cpuacct\n"
    "34 31 0:30 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n";

// A directory with the files that the kernel would show.
class FakeRoot {
 public:
  FakeRoot() {
    char path[] = "/tmp/ringcast-cpus-XXXXXX";
    REQUIRE(::mkdtemp(path) != nullptr);
    path_ = path;
  }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;
  ~FakeRoot() { std::filesystem::remove_all(path_); }

  FakeRoot& with(const std::string& name, std::string_view contents) {
    const std::filesystem::path file = path_ + name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << contents;
    return *this;
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("parse_cgroups finds the group of either version below its mount") {
  struct Row {
    const char* why;
    std::string_view cgroup;
    std::string mountinfo;
    std::vector<CgroupMount> expected;
  };
  const Row rows[] = {
      {"version 2, its own namespace", "0::/\n", std::string(kMountinfoV2), {{Version::v2, "/sys/fs/cgroup", ""}}},
      {"version 2, nested", "0::/a/b\n", std::string(kMountinfoV2), {{Version::v2, "/sys/fs/cgroup", "/a/b"}}},
      {"version 1, joint controllers",
       "9:name=systemd:/x\n4:cpu,cpuacct:/docker/1a\n3:cpuset:/y\n",
       std::string(kMountinfoV1),
       {{Version::v1, "/sys/fs/cgroup/cpu,cpuacct", "/docker/1a"}}},
      {"version 1, mounted at our group",
       "4:cpu:/docker/1a\n",
       "33 31 0:29 /docker/1a /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
       {{Version::v1, "/sys/fs/cgroup/cpu", ""}}},
      {"version 1, mounted above our group",
       "4:cpu:/docker/1a/b\n",
       "33 31 0:29 /docker/1a /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
       {{Version::v1, "/sys/fs/cgroup/cpu", "/b"}}},
      {"mounted at a group that only begins like ours",
       "4:cpu:/docker/1ab\n",
       "33 31 0:29 /docker/1a /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
       {{Version::v1, "/sys/fs/cgroup/cpu", ""}}},
      {"hybrid",
       "4:cpu:/p\n0::/q\n",
       std::string(kMountinfoV1) + std::string(kMountinfoV2),
       {{Version::v1, "/sys/fs/cgroup/cpu,cpuacct", "/p"}, {Version::v2, "/sys/fs/cgroup", "/q"}}},
      {"a controller whose name only begins with cpu", "3:cpuset:/y\n", std::string(kMountinfoV1), {}},
      {"no groups", "", std::string(kMountinfoV2), {}},
      {"no mounts", "0::/a\n", "", {}},
      {"nonsense", "0:\n::::\n7\n\n0::relative\n", "a b\n- - - - -\n\n24 30 0:22 / /x rw - cgroup2\n", {}},
  };
  for (const Row& row : rows) {
    INFO(std::string(row.why));
    CHECK(parse_cgroups(row.cgroup, row.mountinfo) == row.expected);
  }
}

TEST_CASE("parse_cgroups survives every cut of its input") {
  const std::string cgroup = "4:cpu,cpuacct:/docker/1a\n0::/a/b\n";
  const std::string mountinfo = std::string(kMountinfoV1) + std::string(kMountinfoV2);
  for (std::size_t end = 0; end <= cgroup.size(); ++end) {
    CHECK(parse_cgroups(std::string(cgroup, 0, end), mountinfo).size() <= 2);
  }
  for (std::size_t end = 0; end <= mountinfo.size(); ++end) {
    CHECK(parse_cgroups(cgroup, std::string(mountinfo, 0, end)).size() <= 2);
  }
}

TEST_CASE("parse_cpu_max reads quota and period, and nothing else") {
  CHECK(parse_cpu_max("150000 100000\n") == 1.5);
  CHECK(parse_cpu_max("200000 50000") == 4.0);
  for (const char* none :
       {"max 100000\n", "", "\n", "100000", "100000 ", "0 100000", "100000 0", "-1 100000", "1e5 1"}) {
    CAPTURE(none);
    CHECK_FALSE(parse_cpu_max(none).has_value());
  }
}

TEST_CASE("parse_cfs reads quota and period, and -1 as no limit") {
  CHECK(parse_cfs("50000\n", "100000\n") == 0.5);
  CHECK(parse_cfs("400000", "100000") == 4.0);
  CHECK_FALSE(parse_cfs("-1\n", "100000\n").has_value());
  CHECK_FALSE(parse_cfs("", "100000\n").has_value());
  CHECK_FALSE(parse_cfs("50000\n", "").has_value());
  CHECK_FALSE(parse_cfs("50000\n", "0\n").has_value());
}

TEST_CASE("the tightest limit on the way to the root counts, version 2") {
  FakeRoot root;
  root.with("/proc/self/cgroup", "0::/kubepods/pod7/box\n").with("/proc/self/mountinfo", kMountinfoV2);
  CHECK_FALSE(cgroup_cpus(root.path()).has_value());
  root.with("/sys/fs/cgroup/kubepods/pod7/box/cpu.max", "max 100000\n");
  CHECK_FALSE(cgroup_cpus(root.path()).has_value());
  root.with("/sys/fs/cgroup/kubepods/cpu.max", "800000 100000\n");
  CHECK(cgroup_cpus(root.path()) == 8.0);
  root.with("/sys/fs/cgroup/kubepods/pod7/cpu.max", "250000 100000\n");
  CHECK(cgroup_cpus(root.path()) == 2.5);
  root.with("/sys/fs/cgroup/kubepods/pod7/box/cpu.max", "300000 100000\n");
  CHECK(cgroup_cpus(root.path()) == 2.5);
  root.with("/sys/fs/cgroup/cpu.max", "100000 100000\n");
  CHECK(cgroup_cpus(root.path()) == 1.0);
}

TEST_CASE("the tightest limit on the way to the root counts, version 1 and hybrid") {
  FakeRoot root;
  root.with("/proc/self/cgroup", "4:cpu,cpuacct:/docker/1a\n0::/q\n")
      .with("/proc/self/mountinfo", std::string(kMountinfoV1) + std::string(kMountinfoV2))
      .with("/sys/fs/cgroup/cpu,cpuacct/docker/1a/cpu.cfs_quota_us", "-1\n")
      .with("/sys/fs/cgroup/cpu,cpuacct/docker/1a/cpu.cfs_period_us", "100000\n");
  CHECK_FALSE(cgroup_cpus(root.path()).has_value());
  root.with("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "600000\n")
      .with("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "200000\n");
  CHECK(cgroup_cpus(root.path()) == 3.0);
  root.with("/sys/fs/cgroup/q/cpu.max", "200000 100000\n");
  CHECK(cgroup_cpus(root.path()) == 2.0);
}

TEST_CASE("a machine without control groups has no limit") {
  const FakeRoot root;
  CHECK_FALSE(cgroup_cpus(root.path()).has_value());
}

TEST_CASE("shards are the whole CPUs of the quota, within the affinity, from 1 to 32") {
  struct Row {
    std::optional<double> quota;
    unsigned affinity;
    unsigned shards;
  };
  const Row rows[] = {{{}, 1, 1},  {{}, 2, 2},   {2.5, 8, 2},  {2.0, 8, 2},  {0.99, 8, 1},    {0.1, 8, 1},
                      {8.0, 2, 2}, {{}, 31, 31}, {{}, 32, 32}, {{}, 33, 32}, {64.0, 128, 32}, {1e12, 128, 32}};
  static_assert(broker::kShardsByCpusMax == 32);
  for (const Row& row : rows) {
    CAPTURE(row.affinity);
    CHECK(shards_for(row.affinity, row.quota) == row.shards);
  }
}

TEST_CASE("affinity_cpus follows the affinity of the thread") {
  cpu_set_t before;
  REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
  CHECK(affinity_cpus() == static_cast<unsigned>(CPU_COUNT(&before)));
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
  REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(affinity_cpus() == 1);
  REQUIRE(::sched_setaffinity(0, sizeof before, &before) == 0);
}

}  // namespace ringcast::io
