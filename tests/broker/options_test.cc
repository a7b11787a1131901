#include "broker/options.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <set>

#include "broker/option_help.h"
#include "broker/option_value.h"

namespace ringcast::broker {
namespace {

using Words = std::vector<std::string>;

std::expected<Options, std::string> load(const Words& arguments, const Words& environment = {},
                                         const std::optional<File>& file = std::nullopt) {
  const auto invocation = parse_invocation(arguments, environment);
  if (!invocation) return std::unexpected(invocation.error());
  return resolve(*invocation, file);
}

std::optional<File> file(const std::string& text) {
  return File{"a.toml", text};
}

TEST_CASE("serve without anything is the default Config") {
  const auto options = load({"serve"});
  REQUIRE(options.has_value());
  CHECK(options->listen == Address{"127.0.0.1", 8080});
  CHECK_FALSE(options->shards.has_value());
  CHECK(changes(*options) == "");
}

TEST_CASE("flags go before environment, environment before the file, the file before the defaults") {
  const Words environment{"RINGCAST_SHARDS=3", "RINGCAST_IO=epoll"};
  const auto toml = file("shards = 2\nio = \"uring\"\nmax-topics = 7\n");
  const auto options = load({"serve", "--shards", "4"}, environment, toml);
  REQUIRE(options.has_value());
  CHECK(options->shards == 4U);
  CHECK(options->io == IoBackend::epoll);
  CHECK(options->topics_max == 7);
  CHECK(options->max_connections == Config{}.max_connections);
  CHECK(load({"serve"}, environment, toml)->shards == 3U);
  CHECK(load({"serve"}, {}, toml)->shards == 2U);
}

TEST_CASE("a list of higher precedence replaces the lower one, it does not add to it") {
  const auto toml = file("[[history]]\nfilter = \"a\"\nlast = 1\n[[history]]\nfilter = \"b\"\nlast = 2\n");
  CHECK(load({"serve"}, {}, toml)->history_rules == std::vector<HistoryRule>{{"a", 1}, {"b", 2}});
  CHECK(load({"serve"}, {"RINGCAST_HISTORY=c=3,d=4"}, toml)->history_rules ==
        std::vector<HistoryRule>{{"c", 3}, {"d", 4}});
  CHECK(load({"serve", "--history", "e=5"}, {"RINGCAST_HISTORY=c=3"}, toml)->history_rules ==
        std::vector<HistoryRule>{{"e", 5}});
}

namespace {

// What must be said besides, for this option to mean anything: those of TLS need each other, what tokens say a key.
Words companions(const Option& option) {
  Words words;
  if (option.name == "token-issuer" || option.name == "token-audience") words.push_back("--token-key=k");
  if (option.group != "TLS") return words;
  for (const std::string_view one :
       {"tls-listen=127.0.0.1:8443", "tls-cert=a", "tls-key=b", "tls-client-ca=c", "tls-client-auth=optional"}) {
    if (!one.starts_with(std::string(option.name) + "=")) words.push_back("--" + std::string(one));
  }
  return words;
}

}  // namespace

TEST_CASE("every option of serve takes its example from flag, environment and file alike") {
  for (const Option& option : option_table()) {
    if (!belongs_to(option, Command::serve) || !option.in_file) continue;
    CAPTURE(option.name);
    const std::string example(option.example);
    const std::string flag = "--" + std::string(option.name);
    // An outbox follows from a large message: the examples must agree with it, not with each other's order.
    Words base{"serve", "--max-outbox=1GiB"};
    const Words more = companions(option);
    base.insert(base.end(), more.begin(), more.end());
    const Words plain{"serve"};
    const bool is_outbox = option.name == "max-outbox";
    Words with_flag = is_outbox ? plain : base;
    with_flag.push_back(flag + "=" + example);
    const auto by_flag = load(with_flag);
    const auto by_environment = load(is_outbox ? plain : base, {environment_name(option) + "=" + example});
    std::string text =
        std::string(option.name) + " = " + (is_list(option) ? "[\"" + example + "\"]" : "\"" + example + "\"");
    const auto by_file = load(is_outbox ? plain : base, {}, File{"a.toml", text});
    REQUIRE_MESSAGE(by_flag.has_value(), (by_flag ? "" : by_flag.error()));
    REQUIRE_MESSAGE(by_environment.has_value(), (by_environment ? "" : by_environment.error()));
    REQUIRE_MESSAGE(by_file.has_value(), (by_file ? "" : by_file.error()));
    CHECK(value_text(option, *by_flag) == example);
    CHECK(value_text(option, *by_environment) == example);
    CHECK(value_text(option, *by_file) == example);
    CHECK(value_text(option, Options{}) != example);
  }
}

TEST_CASE("every default lies within its own range and reads back as itself") {
  for (const Option& option : option_table()) {
    const std::string standard = value_text(option, Options{});
    if (standard.empty() || is_list(option)) continue;
    CAPTURE(option.name);
    Options options;
    REQUIRE(set_value(option, standard, options).has_value());
    CHECK(value_text(option, options) == standard);
  }
}

TEST_CASE("every range is kept on both sides") {
  for (const Option& option : option_table()) {
    if (option.range.max == 0) continue;
    CAPTURE(option.name);
    const bool ms = std::holds_alternative<std::int64_t Options::*>(option.field);
    const std::string unit = ms ? "ms" : "";
    const auto takes = [&](std::uint64_t value) {
      Options options;
      return set_value(option, std::to_string(value) + unit, options).has_value();
    };
    CHECK(takes(option.range.min));
    CHECK_FALSE(takes(option.range.max + 1));
    if (option.range.min > 0) CHECK_FALSE(takes(option.range.min - 1));
    if (option.check == Check::power_of_two) CHECK_FALSE(takes(option.range.min + 1));
    CHECK((option.check == Check::power_of_two || takes(option.range.max)));
  }
}

TEST_CASE("no command has two options of one name, and every option has a help and an example") {
  for (const CommandInfo& command : command_table()) {
    std::set<std::string_view> names;
    for (const Option& option : option_table()) {
      if (!belongs_to(option, command.command)) continue;
      CAPTURE(option.name);
      CHECK(names.insert(option.name).second);
      CHECK_FALSE(option.help.empty());
      CHECK_FALSE(option.example.empty());
      CHECK_FALSE(option.help.ends_with('.'));
    }
  }
}

struct Refused {
  Words arguments;
  Words environment;
  std::string toml;
  std::string error;
};

TEST_CASE("bad values are refused with where they stand and what would do") {
  for (const Refused& refused : std::initializer_list<Refused>{
           {{"serve", "--shards", "0"}, {}, "", "--shards: \"0\" is out of range: 1 to 64, or auto"},
           {{"serve", "--shards", "65"}, {}, "", "--shards: \"65\" is out of range: 1 to 64, or auto"},
           {{"serve", "--shards", ""}, {}, "", "--shards: \"\" is not a whole number"},
           {{"serve", "--io", "kqueue"}, {}, "", "--io: \"kqueue\" is none of auto|uring|epoll"},
           {{"serve", "--ping-interval", "25"},
            {},
            "",
            "--ping-interval: \"25\" is not a duration: a number with ms, s, m or h, as 500ms or 10s"},
           {{"serve", "--max-message", "65MiB"}, {}, "", "--max-message: \"65MiB\" is out of range: 1B to 64MiB"},
           {{"serve", "--request-ring", "1000"}, {}, "", "--request-ring: \"1000\" is not a power of two"},
           {{"serve"}, {"RINGCAST_SHARDS=zero"}, "", "RINGCAST_SHARDS: shards \"zero\" is not a whole number"},
           {{"serve"}, {}, "\nshards = 0", "a.toml:2:10: shards \"0\" is out of range: 1 to 64, or auto"},
           {{"serve"},
            {},
            "max-message = \"1MB\"",
            "a.toml:1:15: max-message \"1MB\" is not a size: a number of bytes, or one with KiB, MiB or GiB, as 64KiB"},
           {{"serve"},
            {},
            "allowed-origin = [\"https://a\", \"b\"]",
            "a.toml:1:32: allowed-origin \"b\" is not an origin such as https://app.example.com, nor *"},
           {{"serve", "--max-message", "16MiB"},
            {},
            "",
            "max-outbox is 4MiB, but must hold one message of 16MiB (max-message) and its frames: set max-outbox to at "
            "least 16448KiB"}}) {
    CAPTURE(refused.error);
    const auto options = load(refused.arguments, refused.environment, file(refused.toml));
    REQUIRE_FALSE(options.has_value());
    CHECK(options.error() == refused.error);
  }
}

TEST_CASE("all bad values of all sources are told at once") {
  const auto options = load({"serve", "--io", "x"}, {"RINGCAST_SHARDS=0"}, file("log-level = \"loud\"\nlog-levl = 1"));
  REQUIRE_FALSE(options.has_value());
  CHECK(options.error() ==
        "a.toml:2:1: unknown key \"log-levl\"; did you mean \"log-level\"?\n"
        "a.toml:1:13: log-level \"loud\" is none of debug|info|warning|error\n"
        "RINGCAST_SHARDS: shards \"0\" is out of range: 1 to 64, or auto\n"
        "--io: \"x\" is none of auto|uring|epoll");
}

TEST_CASE("an unknown variable of ours is refused, other programs' are not read") {
  const auto refused = load({"serve"}, {"RINGCAST_SHARD=4"});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error() ==
        "RINGCAST_SHARD in the environment is no option of ringcast; did you mean \"RINGCAST_SHARDS\"?");
  CHECK(load({"serve"}, {"PATH=/bin", "ringcast_shards=9", "XRINGCAST_SHARDS=9", "RINGCAST=9", "odd"}).has_value());
}

TEST_CASE("what Kubernetes says of services named ringcast and ringcast-admin is not for us") {
  for (const std::string entry :
       {"RINGCAST_PORT=tcp://10.0.0.1:8080", "RINGCAST_PORT_8080_TCP=tcp://10.0.0.1:8080",
        "RINGCAST_PORT_8080_TCP_PROTO=tcp", "RINGCAST_SERVICE_HOST=10.0.0.1", "RINGCAST_SERVICE_PORT=8080",
        "RINGCAST_SERVICE_PORT_HTTP=8080", "RINGCAST_ADMIN_SERVICE_HOST=10.0.0.2", "RINGCAST_ADMIN_SERVICE_PORT=9090",
        "RINGCAST_ADMIN_PORT=tcp://10.0.0.2:9090", "RINGCAST_ADMIN_PORT_9090_TCP_ADDR=10.0.0.2"}) {
    CAPTURE(entry);
    CHECK(load({"serve"}, {entry}).has_value());
  }
}

TEST_CASE("an empty variable counts as not set, and another command's is no concern of this one") {
  CHECK_FALSE(load({"serve"}, {"RINGCAST_SHARDS="})->shards.has_value());
  CHECK(load({"pub", "a", "b"}, {"RINGCAST_SHARDS=0"}).has_value());
  CHECK(load({"pub", "a", "b"}, {"RINGCAST_RATE=7"})->pub_rate_hz == 7);
  CHECK(load({"demo"}, {"RINGCAST_RATE=7"})->demo_rate_hz == 7);
}

TEST_CASE("the configuration file is named by the flag before the environment") {
  const Words environment{"RINGCAST_CONFIG=b.toml"};
  CHECK(config_file(*parse_invocation(Words{"serve", "--config", "a.toml"}, environment)) == "a.toml");
  CHECK(config_file(*parse_invocation(Words{"serve"}, environment)) == "b.toml");
  CHECK_FALSE(config_file(*parse_invocation(Words{"serve"}, Words{})).has_value());
}

TEST_CASE("an unknown command is refused with the nearest one") {
  CHECK(parse_invocation(Words{"serv"}, Words{}).error() ==
        "\"serv\" is not a command; did you mean \"serve\"? (ringcast help lists them)");
  CHECK(parse_invocation(Words{}, Words{}).error() == "which command? (ringcast help lists them)");
  CHECK(parse_invocation(Words{"--version"}, Words{})->command->command == Command::version);
  CHECK(parse_invocation(Words{"-h"}, Words{})->command->command == Command::help);
}

TEST_CASE("help of a command names each of its options, its default and its variable") {
  for (const CommandInfo& command : command_table()) {
    const std::string help = command_help(command);
    for (const Option& option : option_table()) {
      CAPTURE(option.name);
      const bool named = help.contains("  --" + std::string(option.name) + " ");
      CHECK((!belongs_to(option, command.command) || named));
      CHECK((!belongs_to(option, command.command) || help.contains(environment_name(option))));
    }
  }
  CHECK(overview().contains("check-config FILE"));
  CHECK_FALSE(overview().contains("table of options"));
}

TEST_CASE("changes names what differs from the defaults") {
  const auto options = load({"serve", "--shards", "4", "--history", "a=1", "--base-path", "/x"});
  REQUIRE(options.has_value());
  CHECK(changes(*options) == "base-path = /x\nshards = 4 (default: auto)\nhistory = a=1\n");
}

}  // namespace
}  // namespace ringcast::broker
