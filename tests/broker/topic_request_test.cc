#include "broker/topic_request.h"

#include <doctest/doctest.h>

namespace ringcast::broker {

TEST_CASE("a topic request: the path names the topic or filter, decoded once") {
  const auto topic = read_topic_request("/topics/ticker/nasdaq/AAPL", "");
  REQUIRE(topic);
  CHECK(topic->filter == "ticker/nasdaq/AAPL");
  CHECK(!topic->wildcard);
  const auto rest = read_topic_request("/topics/iot/%23", "");
  REQUIRE(rest);
  CHECK(rest->filter == "iot/#");
  CHECK(rest->wildcard);
  CHECK(read_topic_request("/topics/a%2523", "")->filter == "a%23");  // once, not twice
}

TEST_CASE("a topic request: echo, last, mode and format have defaults and values") {
  const auto plain = read_topic_request("/topics/t", "");
  REQUIRE(plain);
  CHECK(plain->echo);
  CHECK(!plain->last);
  CHECK(!plain->publish_only);
  const auto all = read_topic_request("/topics/t", "echo=0&last=1&mode=pub");
  REQUIRE(all);
  CHECK(!all->echo);
  CHECK(all->last);
  CHECK(all->publish_only);
  CHECK(!all->json);
  CHECK(read_topic_request("/topics/t", "format=json")->json);
}

TEST_CASE("a topic request: what is wrong is refused by its name") {
  struct Row {
    const char* path;
    const char* query;
    const char* name;
    const char* message_has;
  };
  const Row rows[] = {
      {"/topics/", "", "no_topic", "/topics/<topic>"},
      {"/topics//a", "", "empty_level", "%23"},
      {"/topics/a/", "", "empty_level", "%23"},
      {"/topics/a//b", "", "empty_level", "%23"},
      {"/topics/a%2Fb", "", "escaped_slash", ""},
      {"/topics/a%zz", "", "bad_escape", ""},
      {"/topics/%ff", "", "invalid_utf8", ""},
      {"/topics/a/..", "", "bad_topic", ""},
      {"/topics/%23/a", "", "bad_topic", "#"},
      {"/topics/a%23", "", "bad_topic", "#"},
      {"/topics/a%0ab", "", "bad_topic", "control"},
      {"/topics/t", "colour=red", "unknown_parameter", "colour"},
      {"/topics/t", "delivery=all", "bad_parameter", "delivery=all"},
      {"/topics/t", "rate=10", "bad_parameter", "delivery=latest"},
      {"/topics/t", "delivery=latest&rate=1e4", "bad_parameter", "rate=1e4"},
      {"/topics/t", "echo=2", "bad_parameter", "echo=2"},
      {"/topics/t", "last=", "bad_parameter", "last="},
      {"/topics/t", "mode=sub", "bad_parameter", "mode=sub"},
      {"/topics/t", "format=xml", "bad_parameter", "format=xml"},
      {"/topics/t", "echo=%zz", "bad_escape", "query"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    CAPTURE(row.query);
    const auto request = read_topic_request(row.path, row.query);
    REQUIRE(!request);
    CHECK(request.error().status == 400);
    CHECK(request.error().name == row.name);
    CHECK(request.error().message.find(row.message_has) != std::string::npos);
  }
}

TEST_CASE("a topic request: the limits of a topic, on both sides") {
  CHECK(read_topic_request("/topics/" + std::string(1024, 'x'), ""));
  CHECK(!read_topic_request("/topics/" + std::string(1025, 'x'), ""));
  std::string levels = "/topics/x";
  for (int i = 1; i < 64; ++i) levels += "/x";
  CHECK(read_topic_request(levels, ""));
  CHECK(!read_topic_request(levels + "/x", ""));
}

}  // namespace ringcast::broker
