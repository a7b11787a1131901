#include "client/json_text.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>

using namespace ringcast::client;

TEST_CASE("JsonText writes one compact object") {
  std::string out = "kept ";
  JsonText json(out);
  json.add("a", "x\"y").add("b", std::uint64_t{18446744073709551615U}).add("c", 1.005, 1).add_true("d");
  json.end();
  CHECK(out == R"(kept {"a":"x\"y","b":18446744073709551615,"c":1.0,"d":true})");
}

TEST_CASE("JsonText writes null for what JSON has no number for") {
  std::string out;
  JsonText json(out);
  json.add("nan", std::numeric_limits<double>::quiet_NaN(), 2);
  json.add("infinity", std::numeric_limits<double>::infinity(), 2);
  json.add("far", 1e300, 2);
  json.end();
  CHECK(out == R"({"nan":null,"infinity":null,"far":null})");
}
