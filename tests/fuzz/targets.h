// The fuzz targets by name, for what runs them: libfuzzer.cc and replay_test.cc.
#pragma once

#include <span>
#include <string_view>

#include "tests/fuzz/property.h"

namespace ringcast::fuzz {

struct Target {
  std::string_view name;  // of its corpus too: tests/fuzz/corpus/<name>/
  void (*check)(Bytes);
  std::size_t beginnings_max = 300;  // bytes: every beginning of a corpus file up to here is replayed too
};

[[nodiscard]] std::span<const Target> targets() noexcept;

// Null when there is none of this name.
[[nodiscard]] const Target* find_target(std::string_view name) noexcept;

}  // namespace ringcast::fuzz
