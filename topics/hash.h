// Hash: SipHash-1-3 of names under a key drawn at start, so that no peer can choose names that collide.
//
// Every shard of a process has the same key: a topic's hash is computed once, where the publish enters, chooses the
// home shard and travels with the message to the home's table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringcast::topics {

struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

// SipHash-1-3 (Aumasson, Bernstein): one round per word, three at the end, as in Rust's and Python's tables.
[[nodiscard]] std::uint64_t hash_name(HashKey key, std::string_view name) noexcept;

// The home shard of a topic: 0 <= owner < shards. Takes the hash's high bits; tables take the low ones.
// Requires: shards > 0.
[[nodiscard]] constexpr std::uint32_t owner(std::uint64_t hash, std::uint32_t shards) noexcept {
  return static_cast<std::uint32_t>(((hash >> 32) * shards) >> 32);
}

// For std::unordered_map<std::string, …, NameHasher, std::equal_to<>>: keyed, looked up by string_view without a copy.
struct NameHasher {
  using is_transparent = void;

  HashKey key;

  [[nodiscard]] std::size_t operator()(std::string_view name) const noexcept { return hash_name(key, name); }
};

}  // namespace ringcast::topics
