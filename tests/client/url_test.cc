#include "client/url.h"

#include <doctest/doctest.h>

using namespace ringcast::client;

TEST_CASE("parse_url takes http and ws, names and addresses, ports and base paths") {
  struct Case {
    const char* text;
    Url url;
  };
  const Case cases[] = {
      {"http://127.0.0.1:8080", {.host = "127.0.0.1", .port = 8080, .authority = "127.0.0.1:8080"}},
      {"ws://broker.example", {.host = "broker.example", .port = 80, .authority = "broker.example"}},
      {"http://localhost:1/", {.host = "localhost", .port = 1, .authority = "localhost:1"}},
      {"http://localhost:65535/a/b/",
       {.host = "localhost", .port = 65535, .authority = "localhost:65535", .base_path = "/a/b"}},
      {"http://[::1]:8080/x%20y", {.host = "::1", .port = 8080, .authority = "[::1]:8080", .base_path = "/x%20y"}},
      {"https://broker.example",
       {.host = "broker.example", .port = 443, .authority = "broker.example", .secure = true}},
      {"wss://[::1]:8443/a",
       {.host = "::1", .port = 8443, .authority = "[::1]:8443", .secure = true, .base_path = "/a"}},
      {"ws://[::1]", {.host = "::1", .port = 80, .authority = "[::1]"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto url = parse_url(c.text);
    REQUIRE(url.has_value());
    CHECK(*url == c.url);
  }
}

TEST_CASE("parse_url refuses what cannot be connected to, and says how to write it") {
  struct Case {
    const char* text;
    const char* why;
  };
  const Case cases[] = {
      {"", "no scheme"},
      {"127.0.0.1:8080", "no scheme"},
      {"ftp://host", "another scheme"},
      {"http:/host", "one slash"},
      {"http://", "no host"},
      {"http://:8080", "no host"},
      {"http://host:0", "port 0 is no port to connect to"},
      {"http://host:65536", "port over 16 bits"},
      {"http://host:", "no digits"},
      {"http://host:80x", "not digits"},
      {"http://user@host", "user information"},
      {"http://::1:8080", "IPv6 without brackets"},
      {"http://host/?a=b", "a query"},
      {"http://host/#x", "a fragment"},
      {"http://host/a b", "a space"},
      {"http://host/%zz", "a bad escape"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CAPTURE(c.why);
    const auto url = parse_url(c.text);
    REQUIRE_FALSE(url.has_value());
    CHECK(url.error().failure == Failure::usage);
    CHECK_FALSE(url.error().remedy.empty());
  }
}

TEST_CASE("topic_target encodes a filter as the URL needs it") {
  const Url url{.host = "h", .port = 80, .authority = "h", .base_path = "/base"};
  CHECK(*topic_target(url, "ticker/#", "last=1") == "/base/topics/ticker/%23?last=1");
  CHECK(*topic_target(url, "ticker/+/AAPL", "") == "/base/topics/ticker/+/AAPL");
  CHECK(*topic_target(url, "a b?c%", "") == "/base/topics/a%20b%3Fc%25");
  CHECK(*topic_target(url, "grün", "") == "/base/topics/gr%C3%BCn");
  CHECK(topic_target(url, "", "").error().failure == Failure::usage);
  CHECK(topic_target(url, "\xff", "").error().failure == Failure::usage);
  CHECK(topic_target(url, std::string_view("a\0b", 3), "").error().failure == Failure::usage);
}
