#include "proto/json_cursor.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proto/json_scan.h"
#include "proto/json_writer.h"

using namespace ringcast::proto;

namespace {

std::string unescape(std::string_view raw) {
  std::string out;
  append_unescaped(raw, out);
  return out;
}

std::string written_string(std::string_view text) {
  std::vector<std::uint8_t> out;
  JsonWriter json(out, 0);
  json.string(text);
  json.finish();
  return {out.begin(), out.end()};
}

}  // namespace

TEST_CASE("JsonCursor walks the members of an object, whatever the spaces and values") {
  for (const std::string_view text : {R"({"a":1,"b\"":"}","c":{"d":[1,{"e":"]"}]},"f":[],"g":null,"h":-1.5e3})",
                                      " {\n\"a\" : 1 ,\t\"b\\\"\" :\r \"}\",\"c\":{\"d\":[1,{\"e\":\"]\"}]} , \"f\":[] "
                                      ",\"g\":null , \"h\":-1.5e3 } "}) {
    JsonCursor cursor(text);
    REQUIRE(cursor.kind() == '{');
    cursor.enter();
    std::vector<std::pair<std::string, std::string>> members;
    while (cursor.next_member()) members.emplace_back(cursor.name(), cursor.value());
    CHECK(members == std::vector<std::pair<std::string, std::string>>{{"a", "1"},
                                                                      {R"(b\")", R"("}")"},
                                                                      {"c", R"({"d":[1,{"e":"]"}]})"},
                                                                      {"f", "[]"},
                                                                      {"g", "null"},
                                                                      {"h", "-1.5e3"}});
  }
}

TEST_CASE("JsonCursor walks into what is nested and goes on behind it") {
  JsonCursor cursor(R"({"a":{"b":[1,[2]]},"c":3})");
  cursor.enter();
  REQUIRE(cursor.next_member());
  cursor.enter();
  REQUIRE(cursor.next_member());
  CHECK(cursor.name() == "b");
  cursor.enter();
  REQUIRE(cursor.next_element());
  CHECK(cursor.value() == "1");
  REQUIRE(cursor.next_element());
  CHECK(cursor.value() == "[2]");
  CHECK_FALSE(cursor.next_element());
  CHECK_FALSE(cursor.next_member());
  REQUIRE(cursor.next_member());
  CHECK(cursor.name() == "c");
  CHECK(cursor.value() == "3");
  CHECK_FALSE(cursor.next_member());
}

TEST_CASE("JsonCursor measures how deep a value is, without an empty one innermost") {
  const struct {
    std::string_view text;
    std::uint32_t depth;
  } cases[]{{"1", 0},    {"\"[[\"", 0}, {"[]", 0},        {"[ ]", 0},          {"{}", 0},      {"[1]", 1},
            {"[[]]", 1}, {"[[1]]", 2},  {"[1,[2],3]", 2}, {"{\"a\":[{}]}", 2}, {"[[],[]]", 1}, {"[{\"a\":1},2]", 2}};
  for (const auto& one : cases) {
    CAPTURE(one.text);
    JsonCursor cursor(one.text);
    CHECK(cursor.value() == one.text);
    CHECK(cursor.depth() == one.depth);
  }
}

TEST_CASE("append_unescaped knows every escape") {
  CHECK(unescape("") == "");
  CHECK(unescape("plain") == "plain");
  CHECK(unescape(R"(\"\\\/\b\f\n\r\t)") == "\"\\/\b\f\n\r\t");
  CHECK(unescape(R"(a\u0041b)") == "aAb");
  CHECK(unescape(R"(\u00e9\u00E9)") == "éé");
  CHECK(unescape(R"(\u20ac)") == "€");
  CHECK(unescape(R"(\ud83e\udd99)") == "🦙");
  CHECK(unescape(R"(\uDBFF\uDFFF)") == "\U0010ffff");
  CHECK(unescape(R"(\u0000)") == std::string(1, '\0'));
  CHECK(unescape(R"(\\u0041)") == R"(\u0041)");
}

TEST_CASE("find_escapable finds each byte that needs an escape at each place, and no other") {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool special = byte < 0x20 || c == '"' || c == '\\';
    for (const std::size_t size : {1U, 7U, 8U, 9U, 31U, 32U, 33U, 71U}) {
      for (const char filler : {'x', '\x7f', '\xff', '!'}) {
        for (std::size_t place = 0; place < size; ++place) {
          std::string text(size, filler);
          text[place] = c;
          const char* const end = text.data() + text.size();
          REQUIRE(find_escapable(text.data(), end) == (special ? text.data() + place : end));
        }
      }
    }
  }
}

TEST_CASE("JsonWriter escapes what must be and nothing else") {
  CHECK(written_string("") == R"("")");
  CHECK(written_string("a/b é 🦙 \x7f") == "\"a/b é 🦙 \x7f\"");
  CHECK(written_string("\"\\\n\r\t") == R"("\"\\\n\r\t")");
  CHECK(written_string(std::string_view("\0\x1f\b\f", 4)) == R"("\u0000\u001f\u0008\u000c")");
  CHECK(written_string("\u2028\u2029") == "\"\u2028\u2029\"");
}

TEST_CASE("what JsonWriter writes of a string, JsonCursor reads back") {
  for (std::size_t size = 0; size < 100; ++size) {
    for (unsigned step = 1; step < 40; step += 3) {
      std::string text;
      for (std::size_t i = 0; i < size; ++i) text += static_cast<char>((i * step) % 128);
      const std::string written = written_string(text);
      JsonCursor cursor(written);
      const std::string_view value = cursor.value();
      REQUIRE(value == written);
      REQUIRE(unescape(value.substr(1, value.size() - 2)) == text);
    }
  }
}

TEST_CASE("JsonWriter replaces what the vector held, shorter and longer") {
  std::vector<std::uint8_t> out(1000, 'x');
  JsonWriter shorter(out, 10);
  shorter.integer(kJsonIntegerMax);
  shorter.raw(" ");
  shorter.number(0.1);
  shorter.finish();
  CHECK(std::string(out.begin(), out.end()) == "9007199254740991 0.1");
  JsonWriter longer(out, 0);
  longer.base64(std::vector<std::uint8_t>(4000, 0));
  longer.finish();
  CHECK(out.size() == 2 + 5336);
}
