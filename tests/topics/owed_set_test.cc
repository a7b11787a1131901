// OwedSet against the plainest model: a list, looked through for everything.
#include "topics/owed_set.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "tests/topics/random.h"

using namespace ringcast::topics;

namespace {

std::list<Owed>::iterator owed_in(std::list<Owed>& list, std::uint32_t entry) {
  return std::ranges::find(list, entry, &Owed::entry);
}

}  // namespace

TEST_CASE("a topic keeps its place however often it changes, and counts its changes") {
  OwedSet set;
  CHECK(set.add({.entry = 1, .seq = 10, .position = 100}));
  CHECK(set.add({.entry = 2, .seq = 20, .position = 101}));
  CHECK_FALSE(set.add({.entry = 1, .seq = 11, .position = 102}));
  CHECK_FALSE(set.add({.entry = 1, .seq = 12, .position = 103}));
  CHECK(set.front() == Owed{.entry = 1, .seq = 10, .position = 100, .changes = 3});
  CHECK(set.pop().entry == 1);
  CHECK(set.add({.entry = 1, .seq = 13, .position = 104}));
  CHECK(set.pop().entry == 2);
  CHECK(set.pop() == Owed{.entry = 1, .seq = 13, .position = 104});
  CHECK(set.empty());
}

TEST_CASE("what is owed lowers the position up to which an origin is delivered, the oldest of it counts") {
  OwedSet set;
  std::array<std::uint64_t, 3> positions{50, 60, 70};
  set.lower(positions);
  CHECK(positions == std::array<std::uint64_t, 3>{50, 60, 70});
  set.add({.entry = 1, .origin = 0, .seq = 1, .position = 41});
  set.add({.entry = 2, .origin = 2, .seq = 1, .position = 66});
  set.add({.entry = 3, .origin = 0, .seq = 1, .position = 45});
  set.lower(positions);
  CHECK(positions == std::array<std::uint64_t, 3>{40, 60, 65});
}

TEST_CASE("two sets are the same that owe the same topics in one order, each since the same message") {
  OwedSet one;
  OwedSet other;
  CHECK(one.same(other));
  one.add({.entry = 1, .seq = 5});
  CHECK_FALSE(one.same(other));
  CHECK_FALSE(other.same(one));
  other.add({.entry = 7, .seq = 2});
  other.add({.entry = 1, .seq = 5});
  CHECK_FALSE(one.same(other));
  (void)other.pop();
  CHECK(one.same(other));
  one.add({.entry = 2, .seq = 6});
  one.add({.entry = 3, .seq = 8});
  other.add({.entry = 3, .seq = 8});
  (void)one.remove(2);
  CHECK(one.same(other));
  CHECK(other.same(one));
  other.add({.entry = 3, .seq = 9});  // since 8 all the same
  CHECK(one.same(other));
  one.add({.entry = 4, .seq = 3});
  other.add({.entry = 4, .seq = 4});
  CHECK_FALSE(one.same(other));
}

TEST_CASE("an owed set agrees with a list after every step") {
  for (std::uint32_t seed = 1; seed <= 16; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    const std::uint32_t entries = 1 + random.below(seed % 2 == 0 ? 8 : 200);
    OwedSet set;
    std::list<Owed> model;
    for (std::uint64_t step = 1; step <= 600; ++step) {
      const std::uint32_t entry = random.below(entries);
      const auto found = owed_in(model, entry);
      const std::uint32_t dice = random.below(100);
      if (dice < 55) {
        const Owed owed{.entry = entry, .origin = entry % 3, .seq = step, .position = step * 2, .stamp = step / 10};
        CHECK(set.add(owed) == (found == model.end()));
        if (found == model.end()) {
          model.push_back(owed);
        } else {
          ++found->changes;
        }
      } else if (dice < 75) {
        const std::optional<Owed> removed = set.remove(entry);
        REQUIRE(removed.has_value() == (found != model.end()));
        if (removed) {
          REQUIRE(*removed == *found);
          model.erase(found);
        }
      } else if (dice < 98) {
        if (!model.empty()) {
          REQUIRE(set.front() == model.front());
          REQUIRE(set.pop() == model.front());
          model.pop_front();
        }
      } else {
        const OwedSet copy = set;
        set = copy;
      }
      REQUIRE(set.size() == model.size());
      REQUIRE(set.contains(entry) == (owed_in(model, entry) != model.end()));
      auto expected = model.begin();
      set.each([&](const Owed& owed) { REQUIRE(owed == *expected++); });
      REQUIRE(expected == model.end());
      set.check_invariants();
    }
  }
}
