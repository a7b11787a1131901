#include "broker/body_format.h"

#include <doctest/doctest.h>

#include <string>

namespace ringcast::broker {

namespace {

topics::Bytes bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

TEST_CASE("a body's format follows its content type, and its bytes where there is none") {
  using topics::Format;
  struct Row {
    const char* type;
    std::string body;
    Format format;
  };
  const Row rows[] = {
      {"", "{\"px\":191.2}", Format::json},
      {"", "191.2", Format::json},
      {"", "plain words", Format::text},
      {"", "", Format::text},
      {"", "\xff\xfe", Format::binary},
      {"application/x-www-form-urlencoded", "{}", Format::json},  // what `curl -d` says of everything
      {"application/x-www-form-urlencoded; charset=utf-8", "a=b", Format::text},
      {"application/json", "[1,2]", Format::json},
      {"Application/JSON; charset=utf-8", "null", Format::json},
      {"application/problem+json", "{}", Format::json},
      {"text/plain", "{}", Format::text},
      {"text/csv", "a,b", Format::text},
      {"image/png", "\x89PNG", Format::binary},
      {"application/octet-stream", "{}", Format::binary},
  };
  for (const Row& row : rows) {
    CAPTURE(row.type);
    CAPTURE(row.body);
    const auto format = body_format(row.type, bytes(row.body));
    REQUIRE(format);
    CHECK(*format == row.format);
  }
}

TEST_CASE("a body that is not what its type says is refused") {
  CHECK(body_format("application/json", bytes("{")).error().name == "bad_json");
  CHECK(body_format("application/json", bytes("")).error().name == "bad_json");
  CHECK(body_format("text/plain", bytes("\xc3")).error().name == "bad_text");
}

TEST_CASE("JSON of any depth is judged without harm") {
  const std::string deep(100'000, '[');
  CHECK(body_format("application/json", bytes(deep)).error().name == "bad_json");
  CHECK(*body_format("", bytes(deep)) == topics::Format::text);
}

}  // namespace ringcast::broker
