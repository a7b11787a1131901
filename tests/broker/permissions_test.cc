#include "broker/permissions.h"

#include <doctest/doctest.h>

#include <string>

using namespace ringcast::broker;

TEST_CASE("Permissions deny what nothing allows") {
  const Permissions none;
  CHECK(none.empty());
  CHECK_FALSE(none.may_publish("a"));
  CHECK_FALSE(none.may_subscribe("a"));

  const Permissions some{.publish = {"in/#"}, .subscribe = {"out/+", "news"}};
  CHECK(some.may_publish("in/a/b"));
  CHECK(some.may_publish("in"));
  CHECK_FALSE(some.may_publish("out/a"));  // each right is its own
  CHECK_FALSE(some.may_publish("inn"));
  CHECK(some.may_subscribe("out/a"));
  CHECK(some.may_subscribe("out/+"));
  CHECK(some.may_subscribe("news"));
  CHECK_FALSE(some.may_subscribe("out/#"));
  CHECK_FALSE(some.may_subscribe("#"));
  CHECK_FALSE(some.may_subscribe("in/a"));
}

TEST_CASE("Permissions give the broker's topics to who names them, and to nobody to publish") {
  const Permissions all{.publish = {"#", "$broker/#"}, .subscribe = {"#"}};
  CHECK_FALSE(all.may_subscribe("$broker/stats"));
  CHECK_FALSE(all.may_publish("$broker/stats"));
  const Permissions operators{.publish = {}, .subscribe = {"$broker/#"}};
  CHECK(operators.may_subscribe("$broker/stats"));
  CHECK_FALSE(operators.may_subscribe("a"));
}

TEST_CASE("filters_for puts in a subject that is one level, and no other") {
  CHECK(*filters_for({"user/%u/#", "a", "%u", "x-%u-%u"}, "ann") ==
        std::vector<std::string>{"user/ann/#", "a", "ann", "x-ann-ann"});
  CHECK(*filters_for({"%u"}, "%u") == std::vector<std::string>{"%u"});  // it is put in once
  for (const char* const subject : {"", "a/#", "a/b", "#", "+", "a+", "#a", ".", "..", "$broker", "$"}) {
    CAPTURE(subject);
    CHECK_FALSE(filters_for({"user/%u"}, subject));
    CHECK(filters_for({"user"}, subject));  // which does not matter here
  }
}

TEST_CASE("filters_for refuses what is no filter, and too many") {
  for (const char* const filter : {"", "a#", "#/a", "a/+b", "a/../b", "a\nb", "\xff"}) {
    CAPTURE(filter);
    CHECK_FALSE(filters_for({filter}, "ann"));
  }
  CHECK_FALSE(filters_for({"a/%u"}, std::string(1024, 'a')));
  CHECK(filters_for(std::vector<std::string>(kPermissionFiltersMax, "a"), "ann"));
  CHECK_FALSE(filters_for(std::vector<std::string>(kPermissionFiltersMax + 1, "a"), "ann"));
}
