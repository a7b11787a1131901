#include "perf/usage.h"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

namespace ringcast::perf {
namespace {

std::uint64_t read_clock(clockid_t clock) noexcept {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

std::optional<Usage> read_usage(pid_t pid) {
  Usage usage;
  const std::string root = "/proc/" + std::to_string(pid);
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(root + "/task", error)) {
    std::uint64_t ns = 0;
    if (std::ifstream file(task.path() / "schedstat"); file >> ns) usage.cpu_ns += ns;
  }
  if (error) return std::nullopt;
  std::ifstream status(root + "/status");
  for (std::string key; status >> key;) {
    std::uint64_t kib = 0;
    if (key == "VmRSS:" && status >> kib) usage.rss_bytes = kib * 1024;
    if (key == "RssAnon:" && status >> kib) {
      usage.anon_bytes = kib * 1024;
      return usage;
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> read_segments() {
  constexpr int kOutSegs = 11;  // its place behind "Tcp:"
  std::ifstream file("/proc/net/snmp");
  bool names = true;  // of two lines that begin so, the first has the names
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("Tcp:") || std::exchange(names, false)) continue;
    std::istringstream words(line);
    std::string word;
    for (int i = 0; i < kOutSegs; ++i) words >> word;
    if (std::uint64_t segments = 0; words >> segments) return segments;
  }
  return std::nullopt;
}

std::uint64_t now_ns() noexcept {
  return read_clock(CLOCK_MONOTONIC);
}

std::uint64_t own_cpu_ns() noexcept {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace ringcast::perf
