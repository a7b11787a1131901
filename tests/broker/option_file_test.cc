#include "broker/option_file.h"

#include <doctest/doctest.h>

#include <initializer_list>

namespace ringcast::broker {
namespace {

TEST_CASE("parse_file gives each value as text, with the place it stands at") {
  const FileSettings parsed = parse_file("a.toml",
                                         "listen = \"0.0.0.0:80\"\n"
                                         "\n"
                                         "shards = 4 # four\n"
                                         "allowed-origin = [\"https://a\",\n"
                                         "  \"https://b\"]\n"
                                         "[[history]]\n"
                                         "filter = \"ticker/#\"\n"
                                         "last = 100\n"
                                         "[[history]]\n"
                                         "last = 0\n"
                                         "filter = \"a=b\"\n"
                                         "[[history]]\n"
                                         "filter = \"#\"\n"
                                         "ttl = \"24h\"\n"
                                         "bytes = 1000\n"
                                         "age = \"1h\"\n");
  REQUIRE(parsed.errors == "");
  struct Row {
    std::string name;
    std::string value;
    std::string where;
  };
  std::vector<Row> expected{{"allowed-origin", "https://a", "a.toml:4:19"},
                            {"allowed-origin", "https://b", "a.toml:5:3"},
                            {"history", "ticker/#=100", "a.toml:6:1"},
                            {"history", "a=b=0", "a.toml:9:1"},
                            {"history", "#=bytes:1000;age:1h;ttl:24h", "a.toml:12:1"},
                            {"listen", "0.0.0.0:80", "a.toml:1:10"},
                            {"shards", "4", "a.toml:3:10"}};
  REQUIRE(parsed.settings.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(parsed.settings[i].option->name == expected[i].name);
    CHECK(parsed.settings[i].value == expected[i].value);
    CHECK(parsed.settings[i].where == expected[i].where);
  }
}

TEST_CASE("an empty file sets nothing") {
  for (const std::string text : {"", "\n", "# only a comment"}) CHECK(parse_file("a.toml", text).settings.empty());
}

struct Refused {
  std::string text;
  std::string error;
};

TEST_CASE("parse_file refuses what it does not know, with line, column and the nearest name") {
  for (const Refused& refused : std::initializer_list<Refused>{
           {"lisen = 1", "a.toml:1:1: unknown key \"lisen\"; did you mean \"listen\"?"},
           {"\n  shard = 1", "a.toml:2:3: unknown key \"shard\"; did you mean \"shards\"?"},
           {"zzz = 1", "a.toml:1:1: unknown key \"zzz\""},
           {"config = \"b.toml\"", "a.toml:1:1: unknown key \"config\""},
           {"url = \"http://a\"", "a.toml:1:1: unknown key \"url\""},
           {"[tls]\ncert = 1", "a.toml:1:2: unknown key \"tls\"; did you mean \"tls-listen\"?"},
           {"max_message = 1", "a.toml:1:1: unknown key \"max_message\"; did you mean \"max-message\"?"},
           {"[[history]]\nfilter = \"a\"\nlasst = 1",
            "a.toml:3:1: unknown key \"lasst\" in [[history]]; did you mean \"last\"?"}}) {
    CAPTURE(refused.text);
    const FileSettings parsed = parse_file("a.toml", refused.text);
    CHECK(parsed.errors == refused.error);
    CHECK(parsed.settings.empty());
  }
}

TEST_CASE("parse_file refuses values of a type that no flag could have") {
  for (const Refused& refused : std::initializer_list<Refused>{
           {"shards = [4]", "a.toml:1:10: shards: wants N|auto, not a list"},
           {"shards = 4.0", "a.toml:1:10: shards: wants N|auto, not this type"},
           {"listen = {port = 1}", "a.toml:1:10: listen: wants ADDRESS:PORT, not this type"},
           {"log-level = 2024-01-01", "a.toml:1:13: log-level: wants debug|info|warning|error, not this type"},
           {"allowed-origin = [[1]]", "a.toml:1:19: allowed-origin: wants a list of texts"},
           {"[history]\nfilter = \"a\"\nlast = 1", "a.toml:1:1: history: wants FILTER=RULE, not this type"},
           {"[[history]]\nfilter = \"a\"",
            "a.toml:1:1: [[history]] needs filter = \"TEXT\" and one of last, bytes, age and ttl"},
           {"[[history]]\nlast = 1",
            "a.toml:1:1: [[history]] needs filter = \"TEXT\" and one of last, bytes, age and ttl"},
           {"[[history]]\nfilter = \"a\"\nlast = \"1\"", "a.toml:3:8: [[history]] last wants N"},
           {"[[history]]\nfilter = \"a\"\nage = [1]", "a.toml:3:7: [[history]] age wants \"DURATION\""},
           {"[[history]]\nfilter = \"a\"\nttl = \"1s;age:2s\"", "a.toml:3:7: [[history]] ttl wants \"DURATION\""},
           {"[[history]]\nfilter = \"a\"\nbytes = 1.5", "a.toml:3:9: [[history]] bytes wants \"SIZE\""}}) {
    CAPTURE(refused.text);
    const FileSettings parsed = parse_file("a.toml", refused.text);
    CHECK(parsed.errors == refused.error);
    CHECK(parsed.settings.empty());
  }
}

TEST_CASE("parse_file tells all unknown keys at once, but only the first error of syntax") {
  CHECK(parse_file("a.toml", "aaa = 1\nbbb = 2").errors ==
        "a.toml:1:1: unknown key \"aaa\"\na.toml:2:1: unknown key \"bbb\"");
  for (const std::string text :
       {"listen", "listen =", "listen = \"", "= 1", "shards = 1\nshards = 2", "[", "\xff = 1"}) {
    CAPTURE(text);
    const FileSettings parsed = parse_file("a.toml", text);
    CHECK(parsed.errors.starts_with("a.toml:"));
    CHECK_FALSE(parsed.errors.contains('\n'));
  }
}

TEST_CASE("parse_file survives a file cut at every place") {
  const std::string text = "listen = \"[::1]:80\"\n[[history]]\nfilter = \"a\"\nlast = 1\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const FileSettings parsed = parse_file("a.toml", text.substr(0, size));
    CHECK((parsed.errors.empty() || parsed.errors.starts_with("a.toml:")));
    CHECK(parsed.settings.size() <= 2);
  }
}

}  // namespace
}  // namespace ringcast::broker
