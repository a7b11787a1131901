#include "broker/etag.h"

#include <doctest/doctest.h>

namespace ringcast::broker {

TEST_CASE("If-None-Match finds a tag alone, in a list, weak, and by a star, and no other") {
  const std::string tag = etag("0123456789abcdef", 42);
  CHECK(tag == "\"0123456789abcdef-42\"");
  CHECK(matches_etag(tag, tag));
  CHECK(matches_etag("W/" + tag, tag));
  CHECK(matches_etag("\"a\", " + tag, tag));
  CHECK(matches_etag("*", tag));
  CHECK(!matches_etag("\"0123456789abcdef-4\"", tag));
  CHECK(!matches_etag("\"0123456789abcdef-421\"", tag));
  CHECK(!matches_etag("", tag));
  CHECK(matches_etag(" , \"a\" ,\t" + tag + ",", tag));
  CHECK(matches_etag("\"*\", " + tag, tag));
  CHECK(!matches_etag("\"*\"", tag));
  CHECK(!matches_etag("\"a\", *", tag));
}

TEST_CASE("what only looks like a tag in a list is none, nor is what follows it") {
  const std::string tag = "\"x\"";
  CHECK(!matches_etag("\"a\"x\"", tag));
  CHECK(!matches_etag("x", tag));
  CHECK(!matches_etag("\"x", tag));
  CHECK(!matches_etag("w/\"x\"", tag));
  CHECK(!matches_etag("a, \"x\"", tag));
}

TEST_CASE("If-Match takes no weak tag") {
  CHECK(matches_etag("\"x\"", "\"x\"", Comparison::strong));
  CHECK(matches_etag("*", "\"x\"", Comparison::strong));
  CHECK(!matches_etag("W/\"x\"", "\"x\"", Comparison::strong));
  CHECK(matches_etag("W/\"x\", \"x\"", "\"x\"", Comparison::strong));
}

}  // namespace ringcast::broker
