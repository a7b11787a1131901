#include "broker/idempotency_header.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/topics/random.h"

namespace ringcast::broker {
namespace {

constexpr topics::HashKey kKey{.k0 = 1, .k1 = 2};

}  // namespace

TEST_CASE("an Idempotency-Key is read bare and in quotes, and both are the same key") {
  struct Case {
    std::string_view value;
    std::string_view key;
  };
  for (const Case& c : std::vector<Case>{
           {"a", "a"},
           {"\"a\"", "a"},
           {"8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
           {"\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
           {"!~", "!~"},
           {"a\\b", "a\\b"},
           {R"("a\"b\\c")", R"(a"b\c)"},
       }) {
    CAPTURE(c.value);
    const auto key = read_idempotency_key(c.value);
    REQUIRE(key.has_value());
    CHECK(*key == c.key);
  }
}

TEST_CASE("an Idempotency-Key that is none is refused by name") {
  const std::vector<std::string_view> values = {
      "",           // empty
      "\"\"",       // empty
      "\"",         // not ended
      "\"a",        // not ended
      "a\"",        // a quote in a bare one
      "a b",        // a space is not visible
      "\"a b\"",    // nor in quotes
      "\"a\"b\"",   // a quote inside that is not escaped
      "\"a\\\"",    // the last quote is escaped
      "\"a\\n\"",   // escapes nothing that needs it (RFC 8941 §4.2.5)
      "\"a\";b=1",  // parameters
      "a\tb",       // control character
      "\x7f",       // control character
      "\xc3\xa9",   // not ASCII
  };
  for (const std::string_view value : values) {
    CAPTURE(value);
    const auto key = read_idempotency_key(value);
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().status == 400);
    CHECK(key.error().name == "bad_idempotency_key");
  }
}

TEST_CASE("an Idempotency-Key has at most 255 characters, without its quotes and escapes") {
  const std::string longest(255, 'k');
  CHECK(read_idempotency_key(longest).has_value());
  CHECK(read_idempotency_key('"' + longest + '"').has_value());
  CHECK(read_idempotency_key("\"\\\"" + longest.substr(1) + '"').has_value());
  CHECK_FALSE(read_idempotency_key(longest + 'k').has_value());
  CHECK_FALSE(read_idempotency_key('"' + longest + "k\"").has_value());
}

TEST_CASE("any visible characters are a key, and escaped in quotes the same one") {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    topics::test::Random random(seed);
    std::string key;
    std::string quoted = "\"";
    for (std::uint32_t size = 1 + random.below(255); key.size() < size;) {
      const char c = static_cast<char>('!' + random.below('~' - '!' + 1));
      key += c;
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    quoted += '"';
    const auto read = read_idempotency_key(quoted);
    REQUIRE(read.has_value());
    CHECK(*read == key);
    CHECK(read_idempotency_key(key).has_value() == !key.contains('"'));
  }
}

TEST_CASE("a key's hash depends on its method, topic, subject and the process, and nothing runs into its neighbour") {
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  const auto add = [&](topics::HashKey key, const KeyScope& scope, std::string_view idempotency_key) {
    const topics::KeyedBody hashed = hash_idempotency_key(key, scope, idempotency_key);
    CHECK(hashed.key_high != hashed.key_low);
    CHECK(hashed.body == 0);
    CHECK(seen.insert({hashed.key_high, hashed.key_low}).second);
  };
  add(kKey, {"POST", "a/b", "me"}, "k");
  add(kKey, {"DELETE", "a/b", "me"}, "k");
  add(kKey, {"POST", "a", "me"}, "k");
  add(kKey, {"POST", "a/b", "m"}, "k");
  add(kKey, {"POST", "a/b", ""}, "k");
  add(kKey, {"POST", "a/b", ""}, "kme");
  add(kKey, {"POST", "a/b", "me"}, "l");
  add(kKey, {"POST", "a/bk", "me"}, "");
  add({.k0 = 1, .k1 = 3}, {"POST", "a/b", "me"}, "k");
  const auto again = hash_idempotency_key(kKey, {"POST", "a/b", "me"}, "k");
  CHECK(seen.contains({again.key_high, again.key_low}));
}

TEST_CASE("a body's hash depends on its content type and the process") {
  const std::uint64_t hash = hash_body(kKey, "text/plain", "body");
  CHECK(hash == hash_body(kKey, "text/plain", "body"));
  CHECK(hash != hash_body(kKey, "text/plain", "bodz"));
  CHECK(hash != hash_body(kKey, "text/plai", "nbody"));
  CHECK(hash != hash_body(kKey, "", "body"));
  CHECK(hash != hash_body({.k0 = 1, .k1 = 3}, "text/plain", "body"));
}

}  // namespace ringcast::broker
