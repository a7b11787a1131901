#include "broker/option_flags.h"

#include <doctest/doctest.h>

#include <initializer_list>

namespace ringcast::broker {
namespace {

using Words = std::vector<std::string>;

std::expected<Flags, std::string> parse(Command command, const Words& words) {
  return parse_flags(command_info(command), words);
}

TEST_CASE("parse_flags takes a value behind a space or an equals sign") {
  for (const Words& words : {Words{"--shards", "4"}, Words{"--shards=4"}}) {
    const auto flags = parse(Command::serve, words);
    REQUIRE_MESSAGE(flags.has_value(), (flags ? std::string() : flags.error()));
    REQUIRE(flags->settings.size() == 1);
    CHECK(flags->settings[0].option->name == "shards");
    CHECK(flags->settings[0].value == "4");
    CHECK(flags->settings[0].where == "--shards");
  }
}

TEST_CASE("parse_flags keeps plain arguments as they are, wherever they stand") {
  for (const std::string payload :
       {"-", "", "hello world", "-5", "-.5", "{\"px\":191.2}", "[1,2]", "a=b", "%%", "\"quoted\"", "'", "\\n"}) {
    CAPTURE(payload);
    const auto flags = parse(Command::pub, {"--rate", "5", "a/b", payload, "--binary"});
    REQUIRE_MESSAGE(flags.has_value(), (flags ? std::string() : flags.error()));
    CHECK(flags->arguments == Words{"a/b", payload});
    CHECK(flags->settings.size() == 2);
  }
}

TEST_CASE("parse_flags takes everything behind -- as arguments") {
  const auto flags = parse(Command::pub, {"a", "--", "--binary"});
  REQUIRE(flags.has_value());
  CHECK(flags->arguments == Words{"a", "--binary"});
  CHECK(flags->settings.empty());
}

TEST_CASE("parse_flags gives a list one setting per flag, in order") {
  const auto flags = parse(Command::serve, {"--history", "a=1", "--history=b=2", "--history", "[x]=3"});
  REQUIRE(flags.has_value());
  REQUIRE(flags->settings.size() == 3);
  CHECK(flags->settings[0].value == "a=1");
  CHECK(flags->settings[1].value == "b=2");
  CHECK(flags->settings[2].value == "[x]=3");
}

TEST_CASE("a switch is true without a value") {
  const auto flags = parse(Command::pub, {"a", "--binary"});
  REQUIRE(flags.has_value());
  REQUIRE(flags->settings.size() == 1);
  CHECK(flags->settings[0].value == "true");
}

TEST_CASE("--help wins over everything that would be refused, but for syntax") {
  for (const Words& words : {Words{"--help"}, Words{"-h"}, Words{"--no-such", "--help"}, Words{"x", "-h"}}) {
    const auto flags = parse(Command::serve, words);
    REQUIRE_MESSAGE(flags.has_value(), (flags ? std::string() : flags.error()));
    CHECK(flags->help);
  }
}

TEST_CASE("parse_flags refuses what the command does not take, and says what it may have meant") {
  struct Refused {
    Command command;
    Words words;
    std::string error;
  };
  for (const Refused& refused : std::initializer_list<Refused>{
           {Command::serve, {"--lisen", "x"}, "--lisen: ringcast serve has no such option; did you mean \"--listen\"?"},
           {Command::serve, {"--lisen=x"}, "--lisen: ringcast serve has no such option; did you mean \"--listen\"?"},
           {Command::serve,
            {"--symbols=5"},
            "--symbols: ringcast serve has no such option; put -- before an argument that begins with -"},
           {Command::pub,
            {"a", "-x"},
            "-x: ringcast pub has no such option; put -- before an argument that begins with -"},
           {Command::serve, {"--shards", "1", "--shards", "2"}, "--shards is given twice"},
           {Command::serve, {"extra"}, "\"extra\": ringcast serve takes no arguments"},
           {Command::pub, {"a", "b", "c"}, "\"c\": ringcast pub takes only TOPIC [PAYLOAD|-]"},
           {Command::pub, {}, "ringcast pub needs TOPIC [PAYLOAD|-]"},
           {Command::check_config, {}, "ringcast check-config needs FILE"},
           {Command::sub, {"--last"}, "ringcast sub needs FILTER…"},
           {Command::serve, {"--shards"}, "--shards: 1 required N|auto missing"}}) {
    CAPTURE(refused.error);
    const auto flags = parse(refused.command, refused.words);
    REQUIRE_FALSE(flags.has_value());
    CHECK(flags.error() == refused.error);
  }
}

}  // namespace
}  // namespace ringcast::broker
