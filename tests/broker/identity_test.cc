#include "broker/identity.h"

#include <doctest/doctest.h>

#include <memory>
#include <utility>

using namespace ringcast::broker;

TEST_CASE("an Identity without permissions may do all but publish below $") {
  const Identity identity;
  CHECK(identity.may_publish("a"));
  CHECK_FALSE(identity.may_publish("$broker/stats"));
  CHECK(identity.may_subscribe("$broker/stats"));
  CHECK(identity.may_subscribe("#"));
}

TEST_CASE("an Identity asked for one topic and another answers for each") {
  Identity identity;
  identity.permissions = std::make_unique<Permissions>(Permissions{.publish = {"a/+"}, .subscribe = {}});
  for (int i = 0; i < 2; ++i) {
    CHECK(identity.may_publish("a/1"));
    CHECK(identity.may_publish("a/1"));
    CHECK_FALSE(identity.may_publish("b/1"));
    CHECK(identity.may_publish("a/2"));
  }
}

TEST_CASE("an IdentityRef keeps its identity as long as anybody has one") {
  IdentityRef one(Identity{.subject = "ann"});
  IdentityRef other = one;
  CHECK(other == one);
  one = IdentityRef(Identity{.subject = "bob"});
  CHECK(one->subject == "bob");
  CHECK(other->subject == "ann");
  IdentityRef moved = std::move(other);
  CHECK(moved->subject == "ann");
  moved = one;
  CHECK(moved == one);
  moved = IdentityRef();
  CHECK(moved == nullptr);
}
