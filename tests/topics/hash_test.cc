#include "topics/hash.h"

#include <doctest/doctest.h>
#include <array>
#include <string>
#include <unordered_map>

using namespace ringcast::topics;

namespace {

struct Vector {
  std::string text;
  std::uint64_t zero_key;
  std::uint64_t seeded_key;
};

// Computed by CPython 3.11, whose string hash is SipHash-1-3: hash(bytes) under PYTHONHASHSEED=0 and =1.
const std::array kVectors{
    Vector{"a", 0x407448d2b89b1813, 0xd6300bc9f7cc0e73},
    Vector{"a/b", 0x292c7e7badd84ae1, 0x53022eddb847ac1a},
    Vector{"1234567", 0xa33d651594fdae81, 0x84a31031575efe31},
    Vector{"12345678", 0x3489982430560a87, 0x06f07c60efe2bad9},
    Vector{"123456789", 0x0fbc0f0007965fcf, 0xfd1ae9f33bc59a62},
    Vector{"ticker/nasdaq/AAPL", 0xf33b2c27156dd32a, 0xa4b22a690ed9fe15},
    Vector{std::string(64, 'x'), 0x4befba7c9610aea3, 0xb3ea1cd310877265},
};
constexpr HashKey kSeededKey{.k0 = 0xaed66ce184be2329, .k1 = 0xebe9bbf1f1499052};

}  // namespace

TEST_CASE("hash_name is SipHash-1-3") {
  for (const Vector& vector : kVectors) {
    CAPTURE(vector.text);
    CHECK(hash_name({}, vector.text) == vector.zero_key);
    CHECK(hash_name(kSeededKey, vector.text) == vector.seeded_key);
  }
}

TEST_CASE("owner spreads names evenly over any number of shards, and stays below it") {
  for (const std::uint32_t shards : {1U, 2U, 3U, 7U, 64U}) {
    constexpr std::uint32_t kPerShard = 2'000;
    std::array<std::uint32_t, 64> counts{};
    for (std::uint32_t i = 0; i < kPerShard * shards; ++i) {
      const std::uint32_t shard = owner(hash_name(kSeededKey, "topic/" + std::to_string(i)), shards);
      REQUIRE(shard < shards);
      ++counts[shard];
    }
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      CHECK(counts[shard] > kPerShard * 85 / 100);  // 15% is over six standard deviations
      CHECK(counts[shard] < kPerShard * 115 / 100);
    }
  }
  CHECK(owner(0, 64) == 0);
  CHECK(owner(~std::uint64_t{0}, 64) == 63);
}

TEST_CASE("NameHasher looks a string up by view, under its key") {
  std::unordered_map<std::string, int, NameHasher, std::equal_to<>> map(8, NameHasher{kSeededKey});
  map["a/b"] = 1;
  CHECK(map.find(std::string_view{"a/b"}) != map.end());
  CHECK(map.find(std::string_view{"a/c"}) == map.end());
  CHECK(map.hash_function()("a/b") == 0x53022eddb847ac1a);
}
