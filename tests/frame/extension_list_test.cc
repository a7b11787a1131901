#include "frame/extension_list.h"

#include <doctest/doctest.h>

#include <string>

using namespace ringcast::frame;

namespace {

// The list written in one way: names, parameters and unquoted values, without spaces; "-" if it is malformed.
std::string normal(std::string_view value) {
  const auto extensions = parse_extensions(value);
  if (!extensions) {
    CHECK(extensions.error() == HttpError::websocket_extensions);
    return "-";
  }
  std::string out;
  for (const Extension& extension : *extensions) {
    out.append(out.empty() ? "" : ",").append(extension.name);
    for (const ExtensionParameter& parameter : extension.parameters) {
      out.append(";").append(parameter.name);
      if (parameter.value) out.append("=").append(*parameter.value);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("parse_extensions reads what RFC 6455 §9.1 allows") {
  struct Row {
    std::string_view why;
    std::string_view value;
    std::string_view normal;
  };
  const Row rows[] = {
      {"a name", "a", "a"},
      {"§9.1's examples", "deflate-stream", "deflate-stream"},
      {"§9.1's examples", "mux; max-channels=4; flow-control, deflate-stream",
       "mux;max-channels=4;flow-control,deflate-stream"},
      {"no spaces", "a;b=1,c;d", "a;b=1,c;d"},
      {"spaces and tabs everywhere", " \ta ;\tb = 1 , c\t", "a;b=1,c"},
      {"a quoted value", "a; b=\"10\"", "a;b=10"},
      {"escapes in it", "a; b=\"\\1\\0\"", "a;b=10"},
      {"all of a token's characters", "!#$%&'*+-.^_`|~09azAZ; x=!", "!#$%&'*+-.^_`|~09azAZ;x=!"},
      {"a name twice, a parameter twice", "a;b;b=1,a", "a;b;b=1,a"},
      {"letters keep their case", "A;B=C", "A;B=C"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(normal(row.value) == row.normal);
  }
}

TEST_CASE("parse_extensions refuses what breaks the grammar (RFC 6455 §9.1)") {
  struct Row {
    std::string_view why;
    std::string_view value;
  };
  const Row rows[] = {
      {"nothing", ""},
      {"spaces", "  "},
      {"no name", "; a"},
      {"an empty element", "a,,b"},
      {"an empty element at the end", "a,"},
      {"no parameter", "a;"},
      {"no parameter in the middle", "a;;b"},
      {"no value", "a;b="},
      {"no name of the parameter", "a;=1"},
      {"two words", "a b"},
      {"two values", "a;b=1 2"},
      {"a character that is none of a token's", "a@b"},
      {"a value that is no token", "a;b=(1)"},
      {"an empty quoted value", "a;b=\"\""},
      {"a quoted value that is no token", "a;b=\"1 2\""},
      {"a quoted comma", "a;b=\"1,2\""},
      {"an escape that is no token", "a;b=\"\\\"\""},
      {"a quote that does not end", "a;b=\"1"},
      {"an escape of nothing", "a;b=\"1\\"},
      {"something behind the quote", "a;b=\"1\"2"},
      {"a byte above 7F", "a\xc3\xa9"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(normal(row.value) == "-");
  }
}
