#include "topics/containment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "topics/name.h"

using namespace ringcast::topics;

namespace {

struct Pair {
  const char* outer;
  const char* inner;
  bool contained;
};

// Every name of at most `levels_max` of these levels.
template <std::size_t N>
std::vector<std::string> containment_names(const std::array<const char*, N>& levels, unsigned levels_max) {
  std::vector<std::string> all;
  std::vector<std::string> last(levels.begin(), levels.end());
  for (unsigned count = 1; count <= levels_max; ++count) {
    all.insert(all.end(), last.begin(), last.end());
    std::vector<std::string> longer;
    for (const std::string& name : last) {
      for (const char* const level : levels) longer.push_back(name + "/" + level);
    }
    last = std::move(longer);
  }
  return all;
}

bool naive_contains(const std::string& outer, const std::string& inner, const std::vector<std::string>& topics) {
  return std::ranges::all_of(topics,
                             [&](const std::string& topic) { return !matches(inner, topic) || matches(outer, topic); });
}

}  // namespace

TEST_CASE("a filter is contained where nothing that it matches is left out") {
  constexpr Pair kPairs[] = {
      {"a", "a", true},
      {"a", "b", false},
      {"a", "a/b", false},
      {"a/b", "a", false},
      {"a/+", "a/b", true},
      {"a/+", "a/+", true},
      {"a/+", "a/#", false},  // matches a and a/b/c too
      {"a/+", "a", false},
      {"a/+", "#", false},
      {"a/b", "a/+", false},
      {"a/#", "a", true},
      {"a/#", "a/#", true},
      {"a/#", "a/+/c", true},
      {"a/#", "a/b/#", true},
      {"a/b/#", "a/#", false},
      {"a/+/#", "a/#", false},  // matches a too
      {"a/+/#", "a/b", true},
      {"#", "+/#", true},
      {"+/#", "#", true},  // a topic has one level at least
      {"+/+/#", "#", false},
      {"+", "#", false},
      {"#", "a", true},
      {"#", "$broker/stats", false},
      {"#", "$broker/#", false},
      {"+/#", "$broker/stats", false},
      {"+/stats", "$broker/stats", false},
      {"$broker/#", "$broker/stats", true},
      {"$broker/+", "$broker/#", false},
      {"$broker/#", "#", false},
      {"$broker/#", "+/stats", false},
      {"a/#", "a/$b", true},  // only the first level is reserved
      {"a/", "a/", true},
      {"a/", "a", false},
      {"a/+", "a/", true},
  };
  for (const Pair& pair : kPairs) {
    CAPTURE(pair.outer);
    CAPTURE(pair.inner);
    CHECK(contains(pair.outer, pair.inner) == pair.contained);
  }
}

TEST_CASE("containment is what trying every topic says") {
  // Of filters with at most three levels whatever differs shows in topics of four, with one level that no filter names.
  const auto topics = containment_names(std::array{"a", "b", "$s", "z"}, 4);
  const auto names = containment_names(std::array{"a", "b", "$s", "+", "#"}, 3);
  std::vector<std::string> filters;
  for (const std::string& name : names) {
    if (validate_filter(name)) filters.push_back(name);
  }
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::size_t contained = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string& outer = filters[random() % filters.size()];
    const std::string& inner = filters[random() % filters.size()];
    CAPTURE(outer);
    CAPTURE(inner);
    const bool expected = naive_contains(outer, inner, topics);
    REQUIRE(contains(outer, inner) == expected);
    contained += expected ? 1 : 0;
  }
  CHECK(contained > 100);
}

TEST_CASE("what is contained in what is contained is contained") {
  for (const char* const filter : {"a", "a/b", "+", "#", "+/b/#", "$s/#"}) {
    CHECK(contains(filter, filter));
  }
  CHECK(contains("a/#", "a/+/c"));
  CHECK(contains("a/+/c", "a/b/c"));
  CHECK(contains("a/#", "a/b/c"));
}
