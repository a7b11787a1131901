#include "broker/io/memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "broker/io/cpus.h"
#include "broker/io/text_file.h"

namespace ringcast::io {

std::optional<std::uint64_t> parse_memory_limit(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc{} || end != text.data() + text.size() || bytes == 0) return std::nullopt;  // "max"
  return bytes;
}

std::uint64_t usable_memory(const std::string& root) {
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  std::uint64_t usable = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const CgroupDirectory& group : cgroup_directories("memory", root)) {
    const bool v2 = group.version == CgroupMount::Version::v2;
    const auto limit = parse_memory_limit(read_text_file(group.path + (v2 ? "/memory.max" : "/memory.limit_in_bytes")));
    usable = std::min(usable, limit.value_or(usable));  // version 1 says "none" by a number beyond all machines
  }
  return usable;
}

}  // namespace ringcast::io
