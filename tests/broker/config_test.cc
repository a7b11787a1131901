#include "broker/config.h"

#include <doctest/doctest.h>

namespace ringcast::broker {
namespace {

TEST_CASE("the defaults are a valid configuration") {
  CHECK(check_config(Config{}).has_value());
}

TEST_CASE("check_config refuses an outbox that could not hold one message, and says what would do") {
  Config config;
  config.max_message_bytes = 16 * kMiB;
  config.outbox_max_bytes = 16 * kMiB + kOutboxSpareBytes;
  CHECK(check_config(config).has_value());

  config.outbox_max_bytes -= 1;
  const auto refused = check_config(config);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error() ==
        "max-outbox is 16842751B, but must hold one message of 16MiB (max-message) and its frames: "
        "set max-outbox to at least 16448KiB");
}

TEST_CASE("check_config refuses one port for clients and operators, but lets both be any free port") {
  Config config;
  config.admin = config.listen;
  const auto refused = check_config(config);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error() == "listen and admin are both 127.0.0.1:8080: give admin a port of its own");

  config.listen.port = 0;
  config.admin.port = 0;
  CHECK(check_config(config).has_value());
}

TEST_CASE("check_config takes as many history rules as are tried quickly on each new topic") {
  Config config;
  config.history_rules.assign(kHistoryRulesMax, {.filter = "a", .last = 1});
  CHECK(check_config(config).has_value());
  config.history_rules.push_back({.filter = "b", .last = 1});
  const auto refused = check_config(config);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error() == "there are 1001 history rules, but at most 1000 are taken: join some by a wildcard");
}

}  // namespace
}  // namespace ringcast::broker
