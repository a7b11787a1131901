// ShardSet: a set of shards as one word, which is why a process has at most 64.
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>

namespace ringcast::topics {

using ShardSet = std::uint64_t;

inline constexpr std::uint32_t kShardsMax = 64;  // bits of a ShardSet

// The set of `shard` alone. Requires: shard < kShardsMax.
[[nodiscard]] constexpr ShardSet only(std::uint32_t shard) noexcept {
  assert(shard < kShardsMax);
  return ShardSet{1} << shard;
}

// The set {0, …, shards - 1}. Requires: shards <= kShardsMax.
[[nodiscard]] constexpr ShardSet first_shards(std::uint32_t shards) noexcept {
  assert(shards <= kShardsMax);
  return shards == kShardsMax ? ~ShardSet{0} : only(shards) - 1;
}

[[nodiscard]] constexpr bool contains(ShardSet set, std::uint32_t shard) noexcept {
  return (set & only(shard)) != 0;
}

// Takes the lowest shard out of `set` and gives it: while (set != 0) { push_to(take_shard(set)); }
// Requires: set != 0.
constexpr std::uint32_t take_shard(ShardSet& set) noexcept {
  assert(set != 0);
  const auto shard = static_cast<std::uint32_t>(std::countr_zero(set));
  set &= set - 1;
  return shard;
}

}  // namespace ringcast::topics
