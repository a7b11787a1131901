#include "topics/change_map.h"

#include <doctest/doctest.h>
#include <map>
#include <vector>

#include "tests/topics/random.h"

using namespace ringcast::topics;

namespace {

// All that changed after `since`, with so many looks at a time; the looks it took in all.
std::uint32_t find_changed(const ChangeMap& map, std::uint64_t since, std::uint32_t looks_max,
                           std::vector<std::uint32_t>& indices) {
  std::uint32_t spent = 0;
  for (std::uint32_t index = 0; index < map.end();) {
    std::uint32_t looks = looks_max;
    const ChangeMap::Found found = map.next(index, since, looks);
    spent += looks_max - looks;
    if (found.found) indices.push_back(found.index);
    index = found.index + (found.found ? 1 : 0);
  }
  return spent;
}

}  // namespace

TEST_CASE("a ChangeMap finds what changed after a position, as a map would, in pieces of any size") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    ChangeMap map;
    std::map<std::uint32_t, std::uint64_t> model;
    std::uint64_t position = 0;
    for (int step = 0; step < 300; ++step) {
      const std::uint32_t index = random.below(random.percent(50) ? 100 : 20'000);
      if (random.percent(10)) {
        map.clear(index);
        model.erase(index);
      } else {
        map.note(index, ++position);
        model[index] = position;
      }
      REQUIRE(map.position(index) == (model.contains(index) ? position : 0));
      if (step % 10 != 0) continue;
      const std::uint64_t since = random.below(position + 2);
      std::vector<std::uint32_t> wanted;
      for (const auto& [at, changed] : model) {
        if (changed > since) wanted.push_back(at);
      }
      std::vector<std::uint32_t> found;
      find_changed(map, since, 1 + random.below(10), found);
      REQUIRE(found == wanted);
    }
    map.check_invariants();
  }
}

TEST_CASE("a search looks at some lines for each topic that changed, however many did not") {
  ChangeMap map;
  for (std::uint32_t index = 0; index < 1'000'000; ++index) map.note(index, index + 1);
  for (const std::uint32_t changed : {0U, 1U, 10U, 1'000U}) {
    CAPTURE(changed);
    const std::uint64_t since = 10'000'000 * (changed + 1);
    for (std::uint32_t i = 0; i < changed; ++i) map.note(i * 7'919 % 1'000'000, since + i + 1);
    std::vector<std::uint32_t> found;
    const std::uint32_t looks = find_changed(map, since, 1'000, found);
    CHECK(found.size() == changed);
    CHECK(looks <= 4 + 6 * changed);  // 4: a million numbers are 245 blocks
  }
}
