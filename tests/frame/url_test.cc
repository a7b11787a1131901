#include "frame/url.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace ringcast::frame;
using namespace std::string_view_literals;

namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

Parameters walk(std::string_view text) {
  Parameters parameters;
  Query query(text);
  for (;;) {
    auto parameter = query.next();
    REQUIRE(parameter);
    if (!*parameter) return parameters;
    parameters.emplace_back((*parameter)->name, (*parameter)->value);
  }
}

}  // namespace

TEST_CASE("split_target knows the forms of RFC 9112 §3.2") {
  struct Row {
    std::string_view target;
    std::string_view authority;
    std::string_view path;
    std::string_view query;
  };
  constexpr Row rows[] = {
      {"/", "", "/", ""},
      {"/topics/a/b", "", "/topics/a/b", ""},
      {"/topics/a?last=1&echo=0", "", "/topics/a", "last=1&echo=0"},
      {"/a?b?c", "", "/a", "b?c"},
      {"/a?", "", "/a", ""},
      {"//host/a", "", "//host/a", ""},
      {"/a|b^{c}[d]`\\", "", "/a|b^{c}[d]`\\", ""},
      {"*", "", "*", ""},
      {"http://example.com/a?b", "example.com", "/a", "b"},
      {"HTTPS://example.com:8080/a", "example.com:8080", "/a", ""},
      {"ws://h", "h", "/", ""},
      {"wss://[::1]:80?b", "[::1]:80", "/", "b"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const auto parts = split_target(row.target);
    REQUIRE(parts);
    CHECK(parts->authority == row.authority);
    CHECK(parts->path == row.path);
    CHECK(parts->query == row.query);
  }
}

TEST_CASE("split_target refuses") {
  struct Row {
    std::string_view target;
    UrlError error;
  };
  constexpr Row rows[] = {
      {"", UrlError::not_a_path},
      {"a", UrlError::not_a_path},
      {"?a", UrlError::not_a_path},
      {"*a", UrlError::not_a_path},
      {"ftp://host/a", UrlError::not_a_path},
      {"http:/a", UrlError::not_a_path},
      {"example.com:443", UrlError::not_a_path},
      {"http://", UrlError::bad_authority},
      {"http:///a", UrlError::bad_authority},
      {"http://user@host/a", UrlError::bad_authority},
      {"http://host:port/a", UrlError::bad_authority},
      {"/a b", UrlError::bad_character},
      {"/a#b", UrlError::bad_character},
      {"/\"a\"", UrlError::bad_character},
      {"/<a>", UrlError::bad_character},
      {"/a\tb", UrlError::bad_character},
      {"/a\0b"sv, UrlError::bad_character},
      {"/a\x7f", UrlError::bad_character},
      {"/größe", UrlError::bad_character},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const auto parts = split_target(row.target);
    REQUIRE_FALSE(parts);
    CHECK(parts.error() == row.error);
  }
}

TEST_CASE("is_authority takes names, IPv4 and bracketed IPv6, with or without a port") {
  for (const std::string_view good :
       {"localhost", "example.com", "a_b-c.d", "127.0.0.1:8080", "[::1]", "[2001:db8::7]:443", "[::ffff:1.2.3.4]",
        "h:", "h:99999", "xn--bcher-kva.example", "a%20b"}) {
    CAPTURE(good);
    CHECK(is_authority(good));
  }
  for (const std::string_view bad : {"",       ":80",         "a b",
                                     "a/b",    "a?b",         "user@host",
                                     "host:x", "host:123456", "host:1:2",
                                     "[::1",   "::1",         "[]",
                                     "[:]",    "[::1]x",      "[::1]80",
                                     "[::g]",  "a,b:c",       "a%2",
                                     "größe",  "a\x01",       "[1234567890:1234567890:1234567890:1234567890::1]"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_authority(bad));
  }
}

TEST_CASE("decode_path decodes once, and leaves + alone") {
  struct Row {
    std::string_view path;
    std::string_view decoded;
  };
  constexpr Row rows[] = {
      {"/topics/ticker/+", "/topics/ticker/+"},
      {"/topics/%2b", "/topics/+"},
      {"/a/%23", "/a/#"},
      {"/%2523", "/%23"},  // once
      {"/gr%C3%B6%c3%9fe", "/größe"},
      {"/%7e", "/~"},
      {"", ""},
      {"/a%20b", "/a b"},
      {"/a%0Ab", "/a\nb"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    CHECK(decode_path(row.path) == std::string(row.decoded));
  }
}

TEST_CASE("decode_path refuses by name") {
  struct Row {
    std::string_view path;
    std::string_view error;
  };
  constexpr Row rows[] = {
      {"/%", "bad_escape"},
      {"/%2", "bad_escape"},
      {"/%zz", "bad_escape"},
      {"/%+1", "bad_escape"},
      {"/%%41", "bad_escape"},
      {"/a%2Fb", "escaped_slash"},
      {"/a%2fb", "escaped_slash"},
      {"/%00", "escaped_nul"},
      {"/%ff", "invalid_utf8"},
      {"/%C0%AF", "invalid_utf8"},
      {"/%ED%A0%80", "invalid_utf8"},
      {"/%E2%82", "invalid_utf8"},
      {"/%E2/%82%AC", "invalid_utf8"},
      {"/a b", "bad_character"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    const auto decoded = decode_path(row.path);
    REQUIRE_FALSE(decoded);
    CHECK(name(decoded.error()) == row.error);
    CHECK_FALSE(text(decoded.error()).empty());
  }
}

TEST_CASE("Query walks parameters as URLSearchParams does") {
  CHECK(walk("").empty());
  CHECK(walk("&&").empty());
  CHECK(walk("a=1&b=2") == Parameters{{"a", "1"}, {"b", "2"}});
  CHECK(walk("a&b=&=c&=") == Parameters{{"a", ""}, {"b", ""}, {"", "c"}, {"", ""}});
  CHECK(walk("a=b=c&a=d") == Parameters{{"a", "b=c"}, {"a", "d"}});
  CHECK(walk("a+b=c+d&e=%2B") == Parameters{{"a b", "c d"}, {"e", "+"}});
  CHECK(walk("filter=a%2Fb%2F%23") == Parameters{{"filter", "a/b/#"}});
  CHECK(walk("a=%26%3D") == Parameters{{"a", "&="}});
  CHECK(walk("a;b=c") == Parameters{{"a;b", "c"}});
}

TEST_CASE("Query names what is wrong with a parameter and goes on after it") {
  Query query("a=%zz&%00=b&c=%ff&d=1");
  CHECK(query.next().error() == UrlError::bad_escape);
  CHECK(query.next().error() == UrlError::escaped_nul);
  CHECK(query.next().error() == UrlError::invalid_utf8);
  const auto last = query.next();
  REQUIRE(last);
  REQUIRE(*last);
  CHECK((*last)->name == "d");
  CHECK(*query.next() == std::nullopt);
}

TEST_CASE("encode_path and encode_component are undone by decoding") {
  std::string all;
  for (char c = 1; c != 0x7f; ++c) all.push_back(c);
  all += "größe €  \x7f";
  CHECK(decode_path(encode_path(all)) == all);
  CHECK(decode_query(encode_component(all)) == all);
  CHECK(encode_path("/topics/a b/+/#?%") == "/topics/a%20b/+/%23%3F%25");
  CHECK(encode_component("a/b c+d~") == "a%2Fb%20c%2Bd~");
}
