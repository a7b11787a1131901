// How much memory this process may use: the machine's, and the limits of its control groups, versions 1 and 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringcast::io {

// Bytes of a limit, from the contents of memory.max or memory.limit_in_bytes. None: no limit, or not understood.
[[nodiscard]] std::optional<std::uint64_t> parse_memory_limit(std::string_view text);

// Bytes: the tightest limit of our group and all groups above it, or all that the machine has. `root` as in cpus.h.
[[nodiscard]] std::uint64_t usable_memory(const std::string& root = "");

// What `--memory-budget 0` means: a quarter of it. Beside what slow subscribers are owed, last values and history
// (--max-topic-memory), connections and the kernel's buffers for them want theirs.
[[nodiscard]] constexpr std::uint64_t budget_for(std::uint64_t usable_bytes) noexcept {
  return usable_bytes / 4;
}

}  // namespace ringcast::io
