#include "broker/suggest.h"

#include <doctest/doctest.h>

#include <vector>

namespace ringcast::broker {
namespace {

TEST_CASE("slips counts wrong, missing, added and swapped letters") {
  CHECK(slips("", "") == 0);
  CHECK(slips("", "abc") == 3);
  CHECK(slips("listen", "listen") == 0);
  CHECK(slips("lissen", "listen") == 1);
  CHECK(slips("lisen", "listen") == 1);
  CHECK(slips("llisten", "listen") == 1);
  CHECK(slips("litsen", "listen") == 1);
  CHECK(slips("kitten", "sitting") == 3);
  CHECK(slips("sitting", "kitten") == 3);
}

TEST_CASE("suggestion names the nearest candidate, and nothing where none is near") {
  const std::vector<std::string> names{"listen", "shards", "max-message", "max-connections", "io"};
  CHECK(suggestion("lisen", names) == "; did you mean \"listen\"?");
  CHECK(suggestion("shard", names) == "; did you mean \"shards\"?");
  CHECK(suggestion("max-con", names) == "; did you mean \"max-connections\"?");
  CHECK(suggestion("max_message", names) == "; did you mean \"max-message\"?");
  CHECK(suggestion("oi", names) == "; did you mean \"io\"?");
  CHECK(suggestion("tls-cert", names) == "");
  CHECK(suggestion("", names) == "");
  CHECK(suggestion("x", {}) == "");
}

TEST_CASE("suggestion costs bounded work for a word of any length") {
  const std::vector<std::string> names{"listen"};
  CHECK(suggestion(std::string(1'000'000, 'l'), names) == "");
}

}  // namespace
}  // namespace ringcast::broker
