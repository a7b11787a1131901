#include "proto/close_code.h"

#include <doctest/doctest.h>

#include <set>

using namespace ringcast::proto;

TEST_CASE("find_close_code finds every code of the table and no other") {
  std::set<std::uint16_t> known;
  for (const CloseCodeEntry& entry : close_codes()) {
    const auto code = static_cast<std::uint16_t>(entry.code);
    CHECK(find_close_code(code) == &entry);
    CHECK(known.insert(code).second);
    CHECK_FALSE(entry.name.empty());
    CHECK_FALSE(entry.meaning.ends_with('.'));
  }
  for (unsigned code = 0; code <= 0xffff; ++code) {
    REQUIRE((find_close_code(static_cast<std::uint16_t>(code)) != nullptr) ==
            known.contains(static_cast<std::uint16_t>(code)));
  }
}

TEST_CASE("every code of the table may be sent: none is a code that only says there was none") {
  for (const CloseCodeEntry& entry : close_codes()) {
    const auto code = static_cast<std::uint16_t>(entry.code);
    CHECK_FALSE((code == 1005 || code == 1006 || code == 1015));
    CHECK((code >= 1000 && code < 5000));
  }
}

TEST_CASE("a slow consumer reconnects, a drained one too, and an expired token is renewed first") {
  CHECK(find_close_code(4008)->remedy == Remedy::reconnect);
  CHECK(find_close_code(1012)->remedy == Remedy::reconnect);
  CHECK(find_close_code(4401)->remedy == Remedy::new_token);
}
