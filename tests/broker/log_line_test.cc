#include "broker/log_line.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

#include "frame/utf8.h"

namespace ringcast::broker {
namespace {

TEST_CASE("log_line gives people the text and its facts") {
  CHECK(log_line(LogFormat::text, "ready", {}) == "ready");
  CHECK(log_line(LogFormat::text, "ready", {{"listen", "127.0.0.1:8080"}, {"shards", 4}, {"size", -1}}) ==
        "ready listen=127.0.0.1:8080 shards=4 size=-1");
}

TEST_CASE("log_line gives collectors the members of a JSON object, numbers as numbers") {
  CHECK(log_line(LogFormat::json, "ready", {{"listen", "127.0.0.1:8080"}, {"shards", 4}}) ==
        R"("message":"ready","listen":"127.0.0.1:8080","shards":4)");
}

struct Hostile {
  std::string text;
  std::string as_text;
  std::string as_json;
};

TEST_CASE("no fact breaks the line, moves the cursor or makes it invalid UTF-8") {
  for (const Hostile& hostile : std::initializer_list<Hostile>{
           {"", "x f=\"\"", R"("message":"x","f":"")"},
           {"a b", "x f=\"a b\"", R"("message":"x","f":"a b")"},
           {"a=b", "x f=\"a=b\"", R"("message":"x","f":"a=b")"},
           {"a\"b\\c", "x f=\"a\\\"b\\\\c\"", R"("message":"x","f":"a\"b\\c")"},
           {"a\nlevel=error", "x f=\"a\\nlevel=error\"", R"("message":"x","f":"a\nlevel=error")"},
           {"\x1b[2J", "x f=\"\\u001b[2J\"", R"("message":"x","f":"\u001b[2J")"},
           {"\x7f", "x f=\"\\u007f\"", R"("message":"x","f":"\u007f")"},
           {"\xc2\x9b"
            "2J",
            "x f=\\u009b2J", R"("message":"x","f":"\u009b2J")"},
           {"é…😀", "x f=é…😀", R"("message":"x","f":"é…😀")"},
           {"a\xff\xe9", "x f=a\\u00ff\\u00e9", R"("message":"x","f":"a\u00ff\u00e9")"}}) {
    CAPTURE(hostile.text);
    CHECK(log_line(LogFormat::text, "x", {{"f", hostile.text}}) == hostile.as_text);
    CHECK(log_line(LogFormat::json, "x", {{"f", hostile.text}}) == hostile.as_json);
  }
  CHECK(log_line(LogFormat::text, "a\nb", {}) == "a\\nb");
}

TEST_CASE("a long fact is cut at its limit, and never in the middle of a character") {
  const std::string at_limit(kLogFactBytesMax, 'a');
  CHECK(log_line(LogFormat::text, at_limit, {}) == at_limit);
  CHECK(log_line(LogFormat::text, at_limit + "a", {}) == at_limit + "…");
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'a');
    while (text.size() <= kLogFactBytesMax) text += "😀";
    const std::string line = log_line(LogFormat::text, text, {});
    CAPTURE(shift);
    CHECK(frame::is_utf8({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()}));
    CHECK_FALSE(line.contains("\\u"));
    CHECK(line.ends_with("😀…"));
    CHECK(line.size() <= kLogFactBytesMax + std::string("…").size());
  }
}

}  // namespace
}  // namespace ringcast::broker
