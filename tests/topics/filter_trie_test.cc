#include "topics/filter_trie.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/topics/random.h"

using namespace ringcast::topics;

namespace {

constexpr HashKey kKey{.k0 = 1, .k1 = 2};

template <typename T>
std::vector<T> matched(FilterTrie<T>& trie, std::string_view topic) {
  std::vector<T> found;
  trie.match(topic, [&](T& value) { found.push_back(value); });
  std::ranges::sort(found);
  return found;
}

std::string repeat(const std::string& level, std::size_t count) {
  std::string name = level;
  for (std::size_t i = 1; i < count; ++i) name += "/" + level;
  return name;
}

}  // namespace

TEST_CASE("FilterTrie inserts, finds and erases filters of every kind") {
  FilterTrie<int> trie(kKey);
  const std::vector<std::string> filters{"a", "a/", "a/b", "a/+", "a/#", "+", "#", "/", "//", "+/+", "+/#", "$a/#"};
  int value = 0;
  for (const std::string& filter : filters) {
    CHECK(trie.find(filter) == nullptr);
    const auto inserted = trie.insert(filter);
    CHECK(inserted.fresh);
    CHECK(inserted.value == 0);
    inserted.value = ++value;
  }
  CHECK(trie.size() == filters.size());
  trie.check_invariants();
  for (std::size_t i = 0; i < filters.size(); ++i) {
    REQUIRE(trie.find(filters[i]) != nullptr);
    CHECK(*trie.find(filters[i]) == static_cast<int>(i) + 1);
    CHECK_FALSE(trie.insert(filters[i]).fresh);
  }
  for (const std::string& filter : filters) {
    CHECK(trie.erase(filter));
    CHECK_FALSE(trie.erase(filter));
    CHECK(trie.find(filter) == nullptr);
    trie.check_invariants();
  }
  CHECK(trie.size() == 0);
  CHECK(trie.nodes() == 1);
}

TEST_CASE("a prefix of a filter is not a filter, and erasing one leaves those below") {
  FilterTrie<int> trie(kKey);
  trie.insert("a/b/c/+");
  CHECK(trie.find("a/b") == nullptr);
  CHECK_FALSE(trie.erase("a/b"));
  trie.insert("a/b").value = 7;
  CHECK(trie.erase("a/b"));
  CHECK(matched(trie, "a/b").empty());
  CHECK(matched(trie, "a/b/c/d").size() == 1);
}

TEST_CASE("match visits exactly the filters that the reference matches, whatever was inserted and erased") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    FilterTrie<std::uint32_t> trie(kKey);
    std::map<std::string, std::uint32_t> model;
    for (std::uint32_t step = 1; step <= 300; ++step) {
      const std::string filter = random.filter();
      REQUIRE(validate_filter(filter).has_value());
      if (random.percent(60)) {
        trie.insert(filter).value = step;
        model[filter] = step;
      } else if (!model.empty() && random.percent(50)) {
        const auto victim = std::next(model.begin(), random.below(model.size()));
        REQUIRE(trie.erase(victim->first));
        model.erase(victim);
      } else {
        REQUIRE(trie.erase(filter) == (model.erase(filter) > 0));
      }
      REQUIRE(trie.size() == model.size());
      const std::string topic = random.topic();
      CAPTURE(topic);
      std::vector<std::uint32_t> want;
      for (const auto& [name, value] : model) {
        if (matches(name, topic)) want.push_back(value);
      }
      std::ranges::sort(want);
      REQUIRE(matched(trie, topic) == want);
    }
    trie.check_invariants();
    for (const auto& [name, value] : model) REQUIRE(trie.erase(name));
    REQUIRE(trie.nodes() == 1);
  }
}

TEST_CASE("match goes down kLevelsMax levels, with a branch open at every one") {
  FilterTrie<int> trie(kKey);
  // Each prefix of literals goes on with `+` too, so the stack of branches fills up.
  for (std::size_t depth = 1; depth < kLevelsMax; ++depth) {
    trie.insert(repeat("a", depth) + "/+" + (depth + 1 < kLevelsMax ? "/" + repeat("a", kLevelsMax - depth - 1) : ""));
  }
  trie.insert(repeat("+", kLevelsMax));
  trie.insert(repeat("a", kLevelsMax));
  trie.insert(repeat("a", kLevelsMax - 1) + "/#");
  CHECK(matched(trie, repeat("a", kLevelsMax)).size() == kLevelsMax + 2);
  CHECK(matched(trie, repeat("b", kLevelsMax)).size() == 1);
  CHECK(matched(trie, repeat("a", kLevelsMax - 1)).size() == 1);
  trie.check_invariants();
}

TEST_CASE("a T& stays where it is while other filters come and go") {
  FilterTrie<std::string> trie(kKey);
  std::string& value = trie.insert("a/+").value;
  value = "mine";
  for (int i = 0; i < 1'000; ++i) trie.insert("b/+/" + std::to_string(i));
  for (int i = 0; i < 1'000; ++i) CHECK(trie.erase("b/+/" + std::to_string(i)));
  CHECK(value == "mine");
  CHECK(&value == trie.find("a/+"));
}
