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
}

}  // namespace ringcast::broker
