#include "broker/revocations.h"

#include <doctest/doctest.h>

#include <string>

using namespace ringcast::broker;

TEST_CASE("Revocations know subjects and tokens apart") {
  Revocations revoked;
  CHECK_FALSE(revoked.has("ann", "1"));
  REQUIRE(revoked.add_lines("# who left\nsub:ann\r\n\njti:4711\nsub:with space: and colon"));
  CHECK(revoked.has("ann", ""));
  CHECK(revoked.has("bob", "4711"));
  CHECK(revoked.has("with space: and colon", ""));
  CHECK_FALSE(revoked.has("4711", "ann"));
  CHECK_FALSE(revoked.has("bob", ""));
  CHECK_FALSE(revoked.has("an", "471"));
  CHECK(revoked.entries().size() == 3);
  CHECK(revoked.remove("sub:ann"));
  CHECK_FALSE(revoked.remove("sub:ann"));
  CHECK_FALSE(revoked.has("ann", ""));
}

TEST_CASE("Revocations name the line that is wrong") {
  for (const char* const bad : {"ann", "sub:", "jti:", "subject:ann", " sub:ann"}) {
    CAPTURE(bad);
    Revocations revoked;
    const auto added = revoked.add_lines("sub:bob\n" + std::string(bad));
    REQUIRE_FALSE(added);
    CHECK(added.error().starts_with("line 2 "));
  }
  Revocations revoked;
  CHECK(revoked.add("sub:" + std::string(256, 'n')));
  CHECK_FALSE(revoked.add("sub:" + std::string(257, 'n')));
}

TEST_CASE("Revocations are bounded") {
  Revocations revoked;
  for (std::size_t i = 0; i < kRevocationsMax; ++i) REQUIRE(revoked.add("jti:" + std::to_string(i)));
  CHECK_FALSE(revoked.add("jti:one more"));
  CHECK(revoked.add("jti:0"));  // which is there
  Revocations more;
  REQUIRE(more.add("sub:a"));
  revoked.add_all(more);
  CHECK(revoked.entries().size() == kRevocationsMax);
}
