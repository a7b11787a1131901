#include "broker/io/memory.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

using namespace ringcast::io;

namespace {

// A file system of its own, below a temporary directory.
class MemoryRoot {
 public:
  MemoryRoot() {
    char path[] = "/tmp/ringcast_memory_XXXXXX";
    REQUIRE(::mkdtemp(path) != nullptr);
    path_ = path;
  }
  ~MemoryRoot() { std::filesystem::remove_all(path_); }
  MemoryRoot(const MemoryRoot&) = delete;
  MemoryRoot& operator=(const MemoryRoot&) = delete;

  MemoryRoot& with(std::string_view file, std::string_view contents) {
    const std::filesystem::path path = path_ + std::string(file);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << contents;
    return *this;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("parse_memory_limit reads bytes, and nothing else") {
  CHECK(parse_memory_limit("536870912\n") == 536'870'912);
  CHECK(parse_memory_limit("9223372036854771712") == 9'223'372'036'854'771'712U);
  for (const char* none : {"max\n", "", "\n", "0\n", "-1", "1e9", "1 2"}) {
    CAPTURE(none);
    CHECK_FALSE(parse_memory_limit(none).has_value());
  }
}

TEST_CASE("the tightest limit of memory on the way to the root counts, else what the machine has") {
  MemoryRoot root;
  const std::uint64_t machine = usable_memory(root.path());
  CHECK(machine > 64U << 20U);
  root.with("/proc/self/cgroup", "0::/kubepods/pod7/box\n")
      .with("/proc/self/mountinfo", "31 24 0:27 / /sys/fs/cgroup ro,nosuid shared:9 - cgroup2 cgroup rw,nsdelegate\n")
      .with("/sys/fs/cgroup/kubepods/pod7/box/memory.max", "max\n");
  CHECK(usable_memory(root.path()) == machine);
  root.with("/sys/fs/cgroup/kubepods/pod7/memory.max", "67108864\n");
  CHECK(usable_memory(root.path()) == 64U << 20U);
  root.with("/sys/fs/cgroup/kubepods/memory.max", "33554432\n");
  CHECK(usable_memory(root.path()) == 32U << 20U);
}

TEST_CASE("a limit of memory of version 1 counts where its controller is mounted") {
  MemoryRoot root;
  const std::uint64_t machine = usable_memory(root.path());
  root.with("/proc/self/cgroup", "4:cpu:/docker/1a\n5:memory:/docker/1a\n")
      .with("/proc/self/mountinfo",
            "33 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
            "34 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
      .with("/sys/fs/cgroup/cpu/docker/1a/memory.limit_in_bytes", "1000000\n")
      .with("/sys/fs/cgroup/memory/docker/1a/memory.limit_in_bytes", "9223372036854771712\n");
  CHECK(usable_memory(root.path()) == machine);
  root.with("/sys/fs/cgroup/memory/docker/1a/memory.limit_in_bytes", "50000000\n");
  CHECK(usable_memory(root.path()) == 50'000'000);
}

TEST_CASE("a budget that nobody set is a quarter of the memory") {
  CHECK(budget_for(512U << 20U) == 128U << 20U);
}
