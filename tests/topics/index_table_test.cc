#include "topics/index_table.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <utility>
#include <vector>

#include "tests/topics/random.h"

using namespace ringcast::topics;

namespace {

std::vector<std::uint32_t> under(const IndexTable& table, std::uint64_t hash) {
  std::vector<std::uint32_t> found;
  table.each_candidate(hash, [&](std::uint32_t index) { found.push_back(index); });
  std::ranges::sort(found);
  return found;
}

}  // namespace

TEST_CASE("an empty IndexTable finds nothing") {
  const IndexTable table;
  CHECK(table.find(1, [](std::uint32_t) { return true; }) == IndexTable::kNone);
  CHECK(under(table, 1).empty());
}

TEST_CASE("IndexTable agrees with a list of pairs, whatever is inserted and erased") {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    // Few distinct hashes: long runs, many equal tags, holes in all places. Their high halves must not matter.
    const std::uint32_t hashes = seed % 4 == 0 ? 4 : 64;
    const auto hash_of = [&](std::uint32_t k) {
      return (std::uint64_t{random.below(1'000)} << 32) | (k * (seed % 3 == 0 ? 1 : 0x9e3779b9U));
    };
    IndexTable table;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> model;  // (k, index)
    std::uint32_t next_index = 0;
    for (int step = 0; step < 600; ++step) {
      const bool grow = model.empty() || random.percent(step < 300 ? 60 : 40);
      if (grow) {
        const std::uint32_t k = random.below(hashes);
        table.insert(hash_of(k), next_index);
        model.emplace_back(k, next_index++);
      } else {
        const std::size_t victim = random.below(model.size());
        table.erase(hash_of(model[victim].first), model[victim].second);
        model.erase(model.begin() + static_cast<std::ptrdiff_t>(victim));
      }
      table.check_invariants();
      REQUIRE(table.size() == model.size());
      const std::uint32_t k = random.below(hashes);
      std::vector<std::uint32_t> want;
      for (const auto& [key, index] : model) {
        if (key == k) want.push_back(index);
      }
      REQUIRE(under(table, hash_of(k)) == want);
      for (const std::uint32_t index : want) {
        REQUIRE(table.find(hash_of(k), [&](std::uint32_t i) { return i == index; }) == index);
      }
    }
  }
}
