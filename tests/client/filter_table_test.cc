#include "client/filter_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using ringcast::client::FilterTable;
using ringcast::client::has_wildcard;

namespace {

std::vector<std::string_view> levels_of(std::string_view name) {
  std::vector<std::string_view> levels;
  for (;;) {
    const std::size_t slash = name.find('/');
    levels.push_back(name.substr(0, slash));
    if (slash == std::string_view::npos) return levels;
    name.remove_prefix(slash + 1);
  }
}

// MQTT 5 §4.7, level by level.
bool naive_match(std::string_view filter, std::string_view topic) {
  const auto f = levels_of(filter);
  const auto t = levels_of(topic);
  if (topic.starts_with('$') && (f[0] == "+" || f[0] == "#")) return false;
  for (std::size_t i = 0; i < f.size(); ++i) {
    if (f[i] == "#") return true;
    if (i == t.size() || (f[i] != "+" && f[i] != t[i])) return false;
  }
  return f.size() == t.size();
}

std::vector<std::uint64_t> matches(const FilterTable& table, std::string_view topic) {
  std::vector<std::uint64_t> ids;
  table.match(topic, ids);
  std::ranges::sort(ids);
  return ids;
}

}  // namespace

TEST_CASE("FilterTable matches as MQTT 5 section 4.7 says") {
  struct Case {
    const char* filter;
    const char* topic;
    bool matches;
  };
  for (const Case& c : {Case{"a/b", "a/b", true},
                        Case{"a/b", "a", false},
                        Case{"a/b", "a/b/c", false},
                        Case{"a/+", "a/b", true},
                        Case{"a/+", "a", false},
                        Case{"a/+", "a/", true},
                        Case{"a/+/c", "a/b/c", true},
                        Case{"a/#", "a", true},
                        Case{"a/#", "a/b/c", true},
                        Case{"a/#", "ab", false},
                        Case{"#", "a/b", true},
                        Case{"#", "$broker/stats", false},
                        Case{"+/stats", "$broker/stats", false},
                        Case{"$broker/#", "$broker/stats", true},
                        Case{"a/+/#", "a/b", true},
                        Case{"a/+/#", "a", false},
                        Case{"+", "", true},
                        Case{"/+", "/a", true},
                        Case{"+", "/a", false},
                        Case{"a/$b/+", "a/$b/c", true}}) {
    CAPTURE(c.filter);
    CAPTURE(c.topic);
    FilterTable table;
    table.add(c.filter, 1);
    CHECK(matches(table, c.topic).size() == (c.matches ? 1U : 0U));
    CHECK(naive_match(c.filter, c.topic) == c.matches);
    table.remove(c.filter, 1);
    CHECK(matches(table, c.topic).empty());
  }
}

TEST_CASE("FilterTable equals a list that is searched, over random filters and topics") {
  const std::uint64_t seed = 20261121;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const auto pick = [&random](std::initializer_list<const char*> words) {
    return std::string(words.begin()[random() % words.size()]);
  };
  FilterTable table;
  std::vector<std::pair<std::string, std::uint64_t>> list;
  for (std::uint64_t round = 1; round <= 700; ++round) {
    if (random() % 3 == 0 && !list.empty()) {
      const std::size_t at = random() % list.size();
      table.remove(list[at].first, list[at].second);
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      std::string filter = pick({"a", "b", "+", "$s"});
      for (std::size_t more = random() % 3; more > 0; --more) filter += '/' + pick({"a", "b", "+", ""});
      if (random() % 4 == 0) filter += "/#";
      table.add(filter, round);
      list.emplace_back(filter, round);
    }
    std::string topic = pick({"a", "b", "$s"});
    for (std::size_t more = random() % 4; more > 0; --more) topic += '/' + pick({"a", "b", ""});
    std::vector<std::uint64_t> expected;
    for (const auto& [filter, id] : list) {
      if (naive_match(filter, topic)) expected.push_back(id);
    }
    CAPTURE(topic);
    REQUIRE(matches(table, topic) == expected);
  }
}

TEST_CASE("has_wildcard sees levels, not characters") {
  CHECK(has_wildcard("#"));
  CHECK(has_wildcard("a/+/b"));
  CHECK(has_wildcard("a/#"));
  CHECK_FALSE(has_wildcard("a+/b#"));
  CHECK_FALSE(has_wildcard(""));
}
