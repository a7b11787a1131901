// What /metrics says of the process: as the kernel tells it in /proc, at the moment of the scrape.
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>

#include "broker/io/operators.h"
#include "broker/io/text_file.h"

namespace ringcast::io {

namespace {

constexpr double kMicrosecond = 1e-6;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * kMicrosecond;
}

// The number behind `name` in a file of lines `Name:   123 kB`; 0 if there is none.
std::uint64_t number_of(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return 0;
  std::string_view rest = text.substr(at + name.size());
  while (rest.starts_with(':') || rest.starts_with('\t') || rest.starts_with(' ')) rest.remove_prefix(1);
  std::uint64_t number = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), number);
  return number;
}

std::uint64_t open_descriptors() {
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(directory)) count += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(directory);
  return count - 1;  // the directory's own
}

}  // namespace

broker::ProcessFigures process_figures(std::int64_t started_us) {
  constexpr std::uint64_t kKibibyte = 1024;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const std::string status = read_text_file("/proc/self/status");
  return {.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime),
          .resident_bytes = number_of(status, "\nVmRSS") * kKibibyte,
          .virtual_bytes = number_of(status, "\nVmSize") * kKibibyte,
          .open_fds = open_descriptors(),
          .max_fds = files.rlim_cur,
          .started_s = static_cast<double>(started_us) * kMicrosecond,
          .threads = number_of(status, "\nThreads")};
}

}  // namespace ringcast::io
