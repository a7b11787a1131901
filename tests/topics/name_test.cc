#include "topics/name.h"

#include <doctest/doctest.h>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace ringcast::topics;

namespace {

std::string levels(std::size_t count) {
  std::string name = "a";
  for (std::size_t i = 1; i < count; ++i) name += "/a";
  return name;
}

struct Reject {
  std::string name;
  Error error;
  const char* reason;
};

// Refused as topics and as filters.
const std::vector<Reject> kRejects{
    {"", Error::empty, "no byte"},
    {std::string(kNameSizeMax + 1, 'a'), Error::too_long, "one byte past the limit"},
    {levels(kLevelsMax + 1), Error::too_many_levels, "one level past the limit"},
    {std::string(kLevelsMax, '/'), Error::too_many_levels, "empty levels count"},
    {std::string("a\0b", 3), Error::control_character, "U+0000"},
    {"a\x01", Error::control_character, "U+0001"},
    {"a\tb", Error::control_character, "U+0009"},
    {"\x1f", Error::control_character, "U+001F, the last of C0"},
    {"a\x7f", Error::control_character, "DEL"},
    {"\xc2\x80", Error::control_character, "U+0080, the first of C1"},
    {"a\xc2\x9f", Error::control_character, "U+009F, the last of C1"},
    {"\x80", Error::not_utf8, "a lone continuation"},
    {"\xc0\xaf", Error::not_utf8, "an overlong slash"},
    {"\xc1\xbf", Error::not_utf8, "overlong, two bytes"},
    {"\xe0\x9f\xbf", Error::not_utf8, "overlong, three bytes"},
    {"\xf0\x8f\xbf\xbf", Error::not_utf8, "overlong, four bytes"},
    {"\xed\xa0\x80", Error::not_utf8, "the first surrogate"},
    {"\xed\xbf\xbf", Error::not_utf8, "the last surrogate"},
    {"\xf4\x90\x80\x80", Error::not_utf8, "above U+10FFFF"},
    {"\xf5\x80\x80\x80", Error::not_utf8, "a lead byte that never occurs"},
    {"\xff", Error::not_utf8, "a byte that never occurs"},
    {"a\xc3", Error::not_utf8, "cut in two bytes"},
    {"a\xe2\x82", Error::not_utf8, "cut in three bytes"},
    {"a\xf0\x9f\x98", Error::not_utf8, "cut in four bytes"},
    {"\xe2\x28\xa1", Error::not_utf8, "second byte is no continuation"},
    {"\xf0\x9f\x28\x80", Error::not_utf8, "third byte is no continuation"},
    {".", Error::dot_level, "a dot"},
    {"a/./b", Error::dot_level, "a dot in the middle"},
    {"a/..", Error::dot_level, "two dots at the end"},
    {"../a", Error::dot_level, "two dots at the start"},
};

const std::vector<std::string> kTopics{"a",
                                       "/",
                                       "//",
                                       "/a",
                                       "a/",
                                       "a//b",
                                       "$broker/stats",
                                       " ",
                                       "a b",
                                       "...",
                                       "a/.b/c.",
                                       "\xc2\xa0",
                                       "\xc3\xa9t\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xee\x80\x80",
                                       "\xed\x9f\xbf",
                                       "\xf0\x9f\x98\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "~",
                                       std::string(kNameSizeMax, 'a'),
                                       levels(kLevelsMax),
                                       std::string(kLevelsMax - 1, '/')};

}  // namespace

TEST_CASE("every topic is a valid topic, and a filter without wildcards") {
  for (const std::string& name : kTopics) {
    CAPTURE(name);
    CHECK(validate_topic(name).has_value());
    CHECK(validate_filter(name).has_value());
    CHECK_FALSE(is_wildcard(name));
    CHECK(matches(name, name));
  }
}

TEST_CASE("what is neither topic nor filter is refused with the rule it breaks") {
  for (const Reject& reject : kRejects) {
    CAPTURE(reject.reason);
    REQUIRE_FALSE(validate_topic(reject.name).has_value());
    CHECK(validate_topic(reject.name).error() == reject.error);
    REQUIRE_FALSE(validate_filter(reject.name).has_value());
    CHECK(validate_filter(reject.name).error() == reject.error);
  }
}

TEST_CASE("a wildcard is refused in a topic and must be a whole level of a filter, `#` the last") {
  for (const char* filter : {"+", "#", "a/+", "+/a", "+/+", "a/#", "+/#", "/#", "/+", "+/", "$broker/#", "a/+/b/+/#"}) {
    CAPTURE(filter);
    CHECK(validate_filter(filter).has_value());
    CHECK(is_wildcard(filter));
    REQUIRE_FALSE(validate_topic(filter).has_value());
    CHECK(validate_topic(filter).error() == Error::wildcard_in_topic);
  }
  const std::vector<std::pair<std::string, Error>> rejects{
      {"a+", Error::plus_not_alone},     {"+a", Error::plus_not_alone}, {"++", Error::plus_not_alone},
      {"a/b+/c", Error::plus_not_alone}, {"a#", Error::hash_not_alone}, {"#a", Error::hash_not_alone},
      {"##", Error::hash_not_alone},     {"+#", Error::hash_not_alone}, {"#/a", Error::hash_not_last},
      {"a/#/b", Error::hash_not_last},   {"#/", Error::hash_not_last},  {"#/#", Error::hash_not_last},
  };
  for (const auto& [filter, error] : rejects) {
    CAPTURE(filter);
    REQUIRE_FALSE(validate_filter(filter).has_value());
    CHECK(validate_filter(filter).error() == error);
    CHECK_FALSE(validate_topic(filter).has_value());
  }
}

TEST_CASE("a filter has the limits of a topic on both sides") {
  CHECK(validate_filter(levels(kLevelsMax - 1) + "/#").has_value());
  CHECK(validate_filter(levels(kLevelsMax) + "/#").error() == Error::too_many_levels);
  CHECK(validate_filter(std::string(kNameSizeMax - 2, 'a') + "/#").has_value());
  CHECK(validate_filter(std::string(kNameSizeMax - 1, 'a') + "/#").error() == Error::too_long);
}

TEST_CASE("matches follows MQTT 5 §4.7") {
  struct Row {
    const char* filter;
    const char* topic;
    bool match;
  };
  const std::vector<Row> rows{
      // §4.7.1.2
      {"sport/tennis/player1/#", "sport/tennis/player1", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
      {"sport/tennis/player1/#", "sport/tennis/player2", false},
      {"sport/#", "sport", true},
      {"sport/#", "sports", false},
      {"#", "a", true},
      {"#", "a/b/c", true},
      {"#", "/", true},
      // §4.7.1.3
      {"sport/tennis/+", "sport/tennis/player1", true},
      {"sport/tennis/+", "sport/tennis/player1/ranking", false},
      {"sport/+", "sport", false},
      {"sport/+", "sport/", true},
      {"+/+", "/finance", true},
      {"/+", "/finance", true},
      {"+", "/finance", false},
      {"+/tennis/#", "sport/tennis", true},
      {"sport/+/player1", "sport/tennis/player1", true},
      {"sport/+/player1", "sport/tennis/player2", false},
      // §4.7.2
      {"#", "$SYS/", false},
      {"+/monitor/Clients", "$SYS/monitor/Clients", false},
      {"+", "$SYS", false},
      {"$SYS/#", "$SYS/", true},
      {"$SYS/#", "$SYS", true},
      {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
      {"+/$x", "a/$x", true},
      // §4.7.3
      {"ACCOUNTS", "Accounts", false},
      {"/finance", "finance", false},
      {"a", "a/", false},
      {"a/", "a", false},
      {"a//b", "a//b", true},
      {"a/+/b", "a//b", true},
      {"+/+/+", "//", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.filter);
    CAPTURE(row.topic);
    CHECK(matches(row.filter, row.topic) == row.match);
  }
}

TEST_CASE("only names that begin with $ are the broker's") {
  CHECK(is_reserved("$"));
  CHECK(is_reserved("$broker/stats"));
  CHECK_FALSE(is_reserved("a/$b"));
  CHECK_FALSE(is_reserved(""));
}

TEST_CASE("take_level tells a name that ends in a slash from one that does not") {
  for (const auto& [name, want] : std::vector<std::pair<std::string_view, std::vector<std::string_view>>>{
           {"a", {"a"}}, {"a/", {"a", ""}}, {"/", {"", ""}}, {"/a//b", {"", "a", "", "b"}}}) {
    std::vector<std::string_view> found;
    for (std::string_view rest = name; rest.data() != nullptr;) found.push_back(take_level(rest));
    CHECK(found == want);
  }
}

TEST_CASE("every error has a text of its own that names its limit") {
  std::set<std::string_view> texts;
  for (int i = 0; i <= static_cast<int>(Error::too_many_filters); ++i) {
    const std::string_view text = describe(static_cast<Error>(i));
    CHECK_FALSE(text.empty());
    CHECK_FALSE(text.ends_with('.'));
    CHECK(texts.insert(text).second);
  }
  CHECK(describe(Error::too_long).contains(std::to_string(kNameSizeMax)));
  CHECK(describe(Error::too_many_levels).contains(std::to_string(kLevelsMax)));
}
