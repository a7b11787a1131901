#include "broker/option_value.h"

#include <doctest/doctest.h>

#include <initializer_list>

namespace ringcast::broker {
namespace {

struct Refused {
  std::string text;
  std::string why;
};

TEST_CASE("parse_size reads bytes with and without a unit") {
  CHECK(parse_size("0").value() == 0);
  CHECK(parse_size("512").value() == 512);
  CHECK(parse_size("512B").value() == 512);
  CHECK(parse_size("64KiB").value() == 64 * kKiB);
  CHECK(parse_size("64Ki").value() == 64 * kKiB);
  CHECK(parse_size("1MiB").value() == kMiB);
  CHECK(parse_size("3Gi").value() == 3 * kGiB);
  CHECK(parse_size("18446744073709551615").value() == ~std::uint64_t{0});
  CHECK(parse_size("17179869183GiB").value() == 17'179'869'183 * kGiB);
}

TEST_CASE("parse_size refuses what could be read in two ways, or is too large to count") {
  const std::string no_size = "is not a size: a number of bytes, or one with KiB, MiB or GiB, as 64KiB";
  for (const Refused& refused : std::initializer_list<Refused>{{"", "nothing"},
                                                               {"KiB", "no number"},
                                                               {"1KB", "1000 or 1024?"},
                                                               {"1M", "1000 or 1024?"},
                                                               {"1.5MiB", "a point"},
                                                               {"-1", "a sign"},
                                                               {"+1", "a sign"},
                                                               {" 1", "a space"},
                                                               {"1 MiB", "a space"},
                                                               {"0x10", "not decimal"},
                                                               {"1MiBs", "more behind the unit"}}) {
    CAPTURE(refused.text);
    CAPTURE(refused.why);
    REQUIRE_FALSE(parse_size(refused.text).has_value());
    CHECK(parse_size(refused.text).error() == no_size);
  }
  const std::string too_large = "is larger than any such value can be";
  CHECK(parse_size("18446744073709551616").error() == too_large);
  CHECK(parse_size("17179869184GiB").error() == too_large);
}

TEST_CASE("parse_duration reads milliseconds from a number with its unit") {
  CHECK(parse_duration("0").value() == 0);
  CHECK(parse_duration("500ms").value() == 500);
  CHECK(parse_duration("10s").value() == 10'000);
  CHECK(parse_duration("2m").value() == 120'000);
  CHECK(parse_duration("1h").value() == 3'600'000);
}

TEST_CASE("parse_duration refuses a number alone, since it could be seconds or milliseconds") {
  const std::string no_duration = "is not a duration: a number with ms, s, m or h, as 500ms or 10s";
  for (const std::string text : {"", "10", "s", "10 s", "-1s", "1.5s", "10us", "1m30s", "1d"}) {
    CAPTURE(text);
    REQUIRE_FALSE(parse_duration(text).has_value());
    CHECK(parse_duration(text).error() == no_duration);
  }
  CHECK(parse_duration("9223372036854775807ms").has_value());
  CHECK_FALSE(parse_duration("9223372036854775808ms").has_value());
}

TEST_CASE("parse_address takes literal addresses of both families, and localhost") {
  CHECK(parse_address("127.0.0.1:8080").value() == Address{"127.0.0.1", 8080});
  CHECK(parse_address("0.0.0.0:0").value() == Address{"0.0.0.0", 0});
  CHECK(parse_address("[::1]:65535").value() == Address{"::1", 65535});
  CHECK(parse_address("[fe80::1:2]:80").value() == Address{"fe80::1:2", 80});
  CHECK(parse_address("localhost:80").value() == Address{"127.0.0.1", 80});
}

TEST_CASE("parse_address refuses names, halves and ports that no socket has") {
  for (const Refused& refused : std::initializer_list<Refused>{{"", "nothing"},
                                                               {"8080", "no address"},
                                                               {":8080", "no address: all, or loopback?"},
                                                               {"127.0.0.1", "no port"},
                                                               {"127.0.0.1:", "no port"},
                                                               {"127.0.0.1:http", "a name for a port"},
                                                               {"127.0.0.1:-1", "a sign"},
                                                               {"127.0.0.1:65536", "past the last port"},
                                                               {"127.0.0:80", "three numbers"},
                                                               {"256.0.0.1:80", "not a byte"},
                                                               {"example.com:80", "a name"},
                                                               {"::1:80", "no brackets"},
                                                               {"[::1]80", "no colon behind the bracket"},
                                                               {"[127.0.0.1]:80", "IPv4 in brackets"},
                                                               {"[::g]:80", "not hexadecimal"}}) {
    CAPTURE(refused.text);
    CAPTURE(refused.why);
    CHECK_FALSE(parse_address(refused.text).has_value());
  }
}

TEST_CASE("parse_history_rule divides at the last equals sign") {
  CHECK(parse_history_rule("ticker/#=100").value() == HistoryRule{"ticker/#", 100});
  CHECK(parse_history_rule("a=b/+=0").value() == HistoryRule{"a=b/+", 0});
  CHECK(parse_history_rule("a=1000000").value() == HistoryRule{"a", kHistoryMax});
  for (const std::string text : {"", "a", "=5", "a=", "a=-1", "a=x", "a=1000001", "a+=1", "#/a=1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_history_rule(text).has_value());
  }
}

TEST_CASE("parse_history_rule takes each part of a rule, in any order, once, up to its limit") {
  const HistoryRule whole{.filter = "a", .last = 5, .bytes = 1 * kMiB, .age_ms = 60'000, .ttl_ms = 86'400'000};
  CHECK(parse_history_rule("a=5;bytes:1MiB;age:1m;ttl:24h").value() == whole);
  CHECK(parse_history_rule("a=ttl:24h;age:1m;last:5;bytes:1048576").value() == whole);
  CHECK(history_rule_text(whole) == "a=5;bytes:1MiB;age:1m;ttl:24h");
  CHECK(parse_history_rule("a=ttl:0").value() == HistoryRule{.filter = "a", .ttl_ms = 0});
  CHECK(parse_history_rule("a=bytes:2GiB").value().bytes == kHistoryBytesMax);
  CHECK(parse_history_rule("a=age:10000h;ttl:10000h").has_value());
  for (const std::string text :
       {"a=5;", "a=;5", "a=5;6", "a=5;last:6", "a=ttl:1s;ttl:2s", "a=ttl:1", "a=ttl:", "a=age:-1s", "a=size:5",
        "a=bytes:1KB", "a=bytes:2147483649", "a=age:10001h", "a=ttl:10001h", "a= 5", "a=last:"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_history_rule(text).has_value());
  }
}

TEST_CASE("parse_base_path takes nothing, or a path that can be put before another") {
  for (const std::string text : {"", "/live", "/a/b", "/a-b._~1"}) {
    CAPTURE(text);
    CHECK(parse_base_path(text).value() == text);
  }
  for (const std::string text : {"/", "live", "/live/", "//live", "/a//b", "/a b", "/a%20b", "/a?b", "/\xc3\xa4"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_base_path(text).has_value());
  }
}

TEST_CASE("parse_origin takes what a browser would send, or the star") {
  for (const std::string text : {"*", "https://app.example.com", "http://10.0.0.7:3000", "http://[::1]:8080"}) {
    CAPTURE(text);
    CHECK(parse_origin(text).value() == text);
  }
  for (const std::string text :
       {"", "app.example.com", "://a", "https://", "https://a/", "https://a/b", "https://A.example.com", "https://*"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_origin(text).has_value());
  }
}

TEST_CASE("what is written is read back as the same value, in the largest unit that fits") {
  CHECK(size_text(0) == "0B");
  CHECK(size_text(1023) == "1023B");
  CHECK(size_text(1536) == "1536B");
  CHECK(size_text(2048) == "2KiB");
  CHECK(size_text(kGiB) == "1GiB");
  CHECK(duration_text(0) == "0ms");
  CHECK(duration_text(1500) == "1500ms");
  CHECK(duration_text(90'000) == "90s");
  CHECK(duration_text(7'200'000) == "2h");
  for (const std::uint64_t value : {0ULL, 1ULL, 1000ULL, 1024ULL, 60'000ULL, 1ULL << 40}) {
    CAPTURE(value);
    CHECK(parse_size(size_text(value)).value() == value);
    CHECK(parse_duration(duration_text(static_cast<std::int64_t>(value))).value() == static_cast<std::int64_t>(value));
  }
  for (const std::string text : {"127.0.0.1:1", "[::1]:8080"}) CHECK(address_text(parse_address(text).value()) == text);
}

}  // namespace
}  // namespace ringcast::broker
