#include "broker/producer_id.h"

#include <doctest/doctest.h>

namespace ringcast::broker {

namespace {
constexpr topics::HashKey kKey{.k0 = 1, .k1 = 2};
}

TEST_CASE("producer id: what was given is known again") {
  const std::uint64_t producer = new_producer(kKey, 3, 7);
  const std::string text = producer_text(kKey, "ann", producer);
  CHECK(text.size() == 32);
  CHECK(read_producer(kKey, "ann", text) == producer);
}

TEST_CASE("producer id: no two are the same, of one shard or of two") {
  CHECK(new_producer(kKey, 0, 1) != new_producer(kKey, 0, 2));
  CHECK(new_producer(kKey, 0, 1) != new_producer(kKey, 1, 1));
}

TEST_CASE("producer id: what this process did not give is not taken") {
  const std::string text = producer_text(kKey, "ann", new_producer(kKey, 0, 1));
  CHECK(!read_producer({.k0 = 1, .k1 = 3}, "ann", text));  // another start of the broker
  CHECK(!read_producer(kKey, "bob", text));                // somebody else's
  CHECK(!read_producer(kKey, "", text));
  CHECK(!read_producer(kKey, "ann", ""));
  CHECK(!read_producer(kKey, "ann", text.substr(1)));
  CHECK(!read_producer(kKey, "ann", text + "0"));
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    std::string forged = text;
    forged[i] = forged[i] == '0' ? '1' : '0';
    CHECK(!read_producer(kKey, "ann", forged));
    forged[i] = 'x';
    CHECK(!read_producer(kKey, "ann", forged));
  }
}

}  // namespace ringcast::broker
