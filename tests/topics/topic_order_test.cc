#include "topics/topic_order.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/topics/random.h"

using namespace ringcast::topics;

namespace {

// The order by definition: level by level.
std::vector<std::string> split(std::string_view name) {
  std::vector<std::string> levels;
  while (name.data() != nullptr) levels.emplace_back(take_level(name));
  return levels;
}

// A TopicOrder beside the plain map that it must agree with.
struct Fixture {
  TopicOrder order;
  std::map<std::vector<std::string>, std::uint32_t> model;
  std::deque<std::string> names;  // by index; stable addresses

  void insert(const std::string& name) {
    if (model.contains(split(name))) return;
    const auto index = static_cast<std::uint32_t>(names.size());
    names.push_back(name);
    order.insert(names.back(), index);
    model[split(name)] = index;
  }
  void erase(const std::string& name) {
    order.erase(name);
    model.erase(split(name));
  }
  std::vector<std::string> matching(const std::string& filter) const {
    std::vector<std::string> found;
    for (const auto& [levels, index] : model) {
      if (matches(filter, names[index])) found.push_back(names[index]);
    }
    return found;
  }
  std::vector<std::string> walk_whole(const std::string& filter) const {
    std::vector<std::string> found;
    const WalkEnd end = order.walk(filter, "", 1'000'000, [&](std::uint32_t index) {
      found.push_back(names[index]);
      return Visit::go_on;
    });
    CHECK(end.done);
    return found;
  }
  // The least visits_max with which one call comes to the end.
  std::uint32_t visits(const std::string& filter) const {
    for (std::uint32_t visits_max = 1;; ++visits_max) {
      if (order.walk(filter, "", visits_max, [](std::uint32_t) { return Visit::go_on; }).done) return visits_max;
    }
  }
};

}  // namespace

TEST_CASE("a whole walk visits what the reference matches, in the order of levels") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    Fixture topics;
    for (std::uint32_t i = random.below(200); i > 0; --i) topics.insert(random.topic());
    REQUIRE(topics.order.size() == topics.model.size());
    for (int i = 0; i < 100; ++i) {
      const std::string filter = random.filter();
      CAPTURE(filter);
      REQUIRE(topics.walk_whole(filter) == topics.matching(filter));
    }
  }
}

TEST_CASE("a walk cut anywhere, by visits, by stop and by refuse, visits each topic that stays exactly once") {
  for (std::uint32_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    Fixture topics;
    for (std::uint32_t i = random.below(150); i > 0; --i) topics.insert(random.topic());
    const std::string filter = random.filter();
    CAPTURE(filter);
    const bool churn = seed % 2 == 0;
    std::vector<std::string> stays = topics.matching(filter);
    std::vector<std::string> visited;
    std::string after;  // a copy: the topic it names may go
    for (bool done = false; !done;) {
      std::optional<std::string> refused;
      const std::uint32_t visits_max = 1 + random.below(5);
      const WalkEnd end = topics.order.walk(filter, after, visits_max, [&](std::uint32_t index) {
        REQUIRE_FALSE(refused.has_value());
        if (random.percent(10)) {
          refused = topics.names[index];
          return Visit::refuse;
        }
        visited.push_back(topics.names[index]);
        return random.percent(20) ? Visit::stop : Visit::go_on;
      });
      done = end.done;
      const std::string next_after{end.after};
      if (refused) REQUIRE((after.empty() && next_after.empty() ? true : split(next_after) < split(*refused)));
      if (churn) {
        if (random.percent(50) && topics.model.contains(split(next_after))) {  // the cursor's own topic goes
          topics.erase(next_after);
          std::erase(stays, next_after);
        }
        topics.insert(random.topic());
        if (!topics.model.empty()) {
          const auto victim = std::next(topics.model.begin(), random.below(topics.model.size()));
          const std::string name = topics.names[victim->second];
          topics.erase(name);
          std::erase(stays, name);
        }
      }
      after = next_after;
    }
    REQUIRE(std::ranges::is_sorted(visited, [](const auto& a, const auto& b) { return split(a) < split(b); }));
    REQUIRE(std::ranges::adjacent_find(visited) == visited.end());
    for (const std::string& name : visited) REQUIRE(matches(filter, name));
    for (const std::string& name : stays) {
      CAPTURE(name);
      REQUIRE(std::ranges::count(visited, name) == 1);
    }
    if (!churn) REQUIRE(visited == stays);
  }
}

TEST_CASE("a walk touches the matching part, not the topics beside it") {
  Fixture topics;
  for (int i = 0; i < 2'000; ++i) topics.insert("noise/" + std::to_string(i) + "/x");
  for (int i = 0; i < 2'000; ++i) topics.insert("z/" + std::to_string(i));
  for (const char* name : {"p", "p/1", "p/1/x", "p/2", "p/2/x", "q/1/x"}) topics.insert(name);
  CHECK(topics.visits("p/1/x") <= 2);  // itself, and seeing that it was the last
  CHECK(topics.visits("p/#") <= 6);    // 5 and what follows
  CHECK(topics.visits("p/+/x") <= 6);
  CHECK(topics.visits("absent/#") <= 1);
  CHECK(topics.visits("+/1") <= 3 + 2 * 4);  // per first level: itself or a search, and the next one
  CHECK(topics.visits("+") <= 2 * 4);
  CHECK(topics.visits("$broker/#") <= 1);
  CHECK(topics.visits("noise/7/+") <= 2);
}

TEST_CASE("the broker's own topics are skipped by one search") {
  Fixture topics;
  topics.insert("!");
  for (int i = 0; i < 500; ++i) topics.insert("$broker/" + std::to_string(i));
  topics.insert("%");
  topics.insert("a");
  CHECK(topics.walk_whole("#") == std::vector<std::string>{"!", "%", "a"});
  CHECK(topics.walk_whole("+").size() == 3);
  CHECK(topics.walk_whole("$broker/+").size() == 500);
  CHECK(topics.visits("#") <= 5);
}

TEST_CASE("names at the limits of length and depth are walked") {
  Fixture topics;
  std::string deep = "a";
  for (std::size_t i = 1; i < kLevelsMax; ++i) deep += "/a";
  topics.insert(deep);
  topics.insert(std::string(kNameSizeMax, 'a'));
  topics.insert(std::string(kNameSizeMax, 'z'));
  topics.insert(std::string(kNameSizeMax / 2, 'b') + "/" + std::string(kNameSizeMax / 2 - 1, 'c'));
  const std::string longest = "+/" + std::string(kNameSizeMax - 2, 'z');
  CHECK(topics.walk_whole(longest).empty());
  CHECK(topics.walk_whole("#").size() == 4);
  CHECK(topics.walk_whole(deep) == std::vector<std::string>{deep});
  CHECK(topics.walk_whole(std::string(kNameSizeMax, 'z')).size() == 1);
}
