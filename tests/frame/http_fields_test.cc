#include "frame/http_fields.h"

#include <doctest/doctest.h>

#include <vector>

using namespace ringcast::frame;

namespace {

using Views = std::vector<std::string_view>;

Fields fields_of(const std::vector<Field>& list) {
  Fields fields;
  for (const Field& field : list) fields.add(field);
  return fields;
}

}  // namespace

TEST_CASE("Fields finds names without regard to case, the first value first") {
  const Fields fields = fields_of({{"Host", "a"}, {"X-A", "1"}, {"x-a", "2"}, {"Empty", ""}});
  CHECK(fields.get("host") == "a");
  CHECK(fields.get("X-a") == "1");
  CHECK(fields.get("EMPTY") == "");
  CHECK(fields.get("Hos") == std::nullopt);
  CHECK(fields.count("x-A") == 2);
  CHECK(fields.count("none") == 0);
}

TEST_CASE("Fields joins lists over lines, without empty elements, and respects quotes (RFC 9110 §5.6)") {
  struct Row {
    std::vector<Field> fields;
    Views elements;
  };
  const Row rows[] = {
      {{{"L", ""}}, {}},
      {{{"L", ", ,\t,"}}, {}},
      {{{"L", "a"}}, {"a"}},
      {{{"L", " a ,b,\tc\t"}}, {"a", "b", "c"}},
      {{{"L", "a,b"}, {"M", "x"}, {"l", "c"}}, {"a", "b", "c"}},
      {{{"L", R"(a;x="1,2", b)"}}, {R"(a;x="1,2")", "b"}},
      {{{"L", R"(a;x="\",", b)"}}, {R"(a;x="\",")", "b"}},
      {{{"L", R"(a="open, b)"}}, {R"(a="open, b)"}},
      {{{"L", "a=\"\\"}}, {"a=\"\\"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.fields.front().value);
    CHECK(fields_of(row.fields).list("L") == row.elements);
  }
}

TEST_CASE("has_token looks for a whole element") {
  const Fields fields = fields_of({{"Connection", "keep-alive, Upgrade"}, {"connection", "x"}});
  CHECK(fields.has_token("connection", "upgrade"));
  CHECK(fields.has_token("connection", "X"));
  CHECK_FALSE(fields.has_token("connection", "alive"));
  CHECK_FALSE(fields.has_token("Upgrade", "upgrade"));
}

TEST_CASE("is_token and is_field_value draw the lines of RFC 9110") {
  for (const std::string_view good : {"GET", "a", "!#$%&'*+-.^_`|~09AZaz"}) CHECK(is_token(good));
  for (const std::string_view bad : {"", " ", "a b", "a:", "a\t", "(", "é", "a,b", "\"a\""}) CHECK_FALSE(is_token(bad));
  for (const std::string_view good : {"", "a", "a b", "a\tb", "é", "\"x\""}) CHECK(is_field_value(good));
  for (const std::string_view bad : {" ", " a", "a ", "\ta", "a\r\nb: c", "a\nb", "a\rb", "a\x01", "a\x7f"}) {
    CHECK_FALSE(is_field_value(bad));
  }
  CHECK_FALSE(is_field_value(std::string_view("a\0b", 3)));
}
