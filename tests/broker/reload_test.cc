#include "broker/reload.h"

#include <doctest/doctest.h>

#include "broker/options.h"
#include "broker/reload_box.h"

namespace ringcast::broker {
namespace {

using ReloadLines = std::vector<std::string>;

std::expected<Options, std::string> read_toml(const std::string& text) {
  const std::string words[] = {"serve", "--shards", "2"};
  return resolve(*parse_invocation(words, {}), File{"a.toml", text});
}

// A part that finds right what the test says, and writes down what it is asked.
struct ReloadScene {
  Options running = *read_toml("max-topics = 5");
  std::string finds;   // what is wrong; empty: nothing
  ReloadLines before;  // it has to say
  ReloadLines after;
  std::uint32_t checks = 0;
  std::vector<std::uint32_t> applied;  // max_connections

  ReloadReport read(const std::string& text) {
    const ReloadablePart parts[] = {part(),
                                    {.name = "second",
                                     .check = [](const Config&) { return ReloadLines{}; },
                                     .apply = [](const Config&) { return ReloadLines{}; }}};
    return reload(read_toml(text), parts, running);
  }
  ReloadablePart part() {
    const auto check = [this](const Config&) -> std::expected<ReloadLines, std::string> {
      ++checks;
      if (!finds.empty()) return std::unexpected(finds);
      return before;
    };
    const auto apply = [this](const Config& next) {
      applied.push_back(next.max_connections);
      return after;
    };
    return {.name = "first", .check = check, .apply = apply};
  }
};

TEST_CASE("a reload puts in place what can change, and names what needs a restart") {
  ReloadScene scene;
  scene.before = {"certificate: another one"};
  scene.after = {"and more"};
  const ReloadReport report = scene.read("max-topics = 5\nmax-connections = 20000\nlisten = \"127.0.0.1:81\"");
  REQUIRE(report.applied());
  REQUIRE(report.changed.size() == 1);
  CHECK(change_text(report.changed[0]) == "max-connections: 100000 -> 20000");
  REQUIRE(report.needs_restart.size() == 1);
  CHECK(change_text(report.needs_restart[0]) == "listen: 127.0.0.1:8080 -> 127.0.0.1:81");
  CHECK(report.notes == ReloadLines{"certificate: another one", "and more"});
  CHECK(scene.applied == std::vector<std::uint32_t>{20'000});
  CHECK(scene.running.max_connections == 20'000);
  CHECK(scene.running.listen.port == 8080);  // it is what runs
  CHECK(scene.running.shards == 2U);
  CHECK(report_json(report) ==
        R"({"changed":[{"option":"max-connections","from":"100000","to":"20000"}],"needs_restart":[)"
        R"({"option":"listen","from":"127.0.0.1:8080","to":"127.0.0.1:81"}],"notes":["certificate: another one",)"
        R"("and more"]})"
        "\n");
  // The same again: nothing is new, what needs a restart still does.
  const ReloadReport again = scene.read("max-topics = 5\nmax-connections = 20000\nlisten = \"127.0.0.1:81\"");
  CHECK(again.changed.empty());
  CHECK(again.needs_restart.size() == 1);
}

TEST_CASE("what the file says no more goes back to its default, and a list that has changed is one change") {
  ReloadScene scene;
  const ReloadReport report =
      scene.read("[[history]]\nfilter = \"a/#\"\nlast = 3\n[[history]]\nfilter = \"b\"\nlast = 4");
  REQUIRE(report.changed.size() == 2);
  CHECK(change_text(report.changed[0]).starts_with("history: \"\" -> a/#=3"));
  CHECK(change_text(report.changed[1]) == "max-topics: 5 -> 1000000");
  CHECK(scene.running.history_rules.size() == 2);
}

TEST_CASE("whatever is wrong, nothing changes, and no part is asked to apply") {
  struct Case {
    const char* text;
    const char* finds;
    const char* says;  // the beginning of each line
  };
  const Case cases[] = {
      {"max-conections = 1", "", "a.toml:1:1: unknown key \"max-conections\"; did you mean \"max-connections\"?"},
      {"max-connections = 7\nlog-level = \"loud\"", "", "a.toml:2:13: log-level \"loud\" is none of "},
      {"max-connections = 7\n= 1", "", "a.toml:2:"},
      {"max-connections = 7\nmax-outbox = \"64KiB\"", "", "max-outbox is 64KiB, but must hold one message"},
      {"max-connections = 7", "tokens.json: no such file", "tokens.json: no such file"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    ReloadScene scene;
    scene.finds = one.finds;
    const ReloadReport report = scene.read(one.text);
    CHECK_FALSE(report.applied());
    CHECK(report.errors.starts_with(one.says));
    CHECK(report.changed.empty());
    CHECK(scene.applied.empty());
    CHECK(scene.running.max_connections == 100'000);
    CHECK(scene.running.topics_max == 5);
    CHECK(report_json(report).starts_with(R"({"status":422,"error":"bad_configuration","message":"nothing was chan)"));
  }
}

TEST_CASE("a configuration that is right by itself is refused when it is not with what stays as it was") {
  ReloadScene scene;
  scene.running.admin = {"127.0.0.1", 8080};
  scene.running.listen = {"127.0.0.1", 8080};
  const ReloadReport report = scene.read("listen = \"127.0.0.1:81\"\nmax-connections = 7");
  CHECK_FALSE(report.applied());
  CHECK(report.errors.ends_with("(what needs a restart counts as it was)"));
  CHECK(scene.running.max_connections == 100'000);
}

TEST_CASE("all mistakes of a file are told, one a line") {
  ReloadScene scene;
  const ReloadReport report = scene.read("shardz = 1\nmax-topics = 0");
  CHECK(lines_of(report.errors).size() == 2);
  CHECK(lines_of("").empty());
  CHECK(lines_of("a\nb\n") == ReloadLines{"a", "b"});
}

TEST_CASE("each option of serve says whether a reload takes it: where and how the broker runs does not change") {
  std::string fixed;
  for (const Option& option : option_table()) {
    CHECK((belongs_to(option, Command::serve) || !option.reloads));
    if (belongs_to(option, Command::serve) && !option.reloads) fixed += std::string(option.name) + " ";
  }
  for (const char* name : {"config", "listen", "admin", "base-path", "shards", "io", "request-ring", "log-format"}) {
    CHECK_MESSAGE(fixed.contains(std::string(name) + " "), name);
  }
  CHECK_FALSE(fixed.contains("max-"));
}

TEST_CASE("a wish for a reload is answered by one that begins after it, several by one") {
  ReloadBox box;
  const std::uint64_t first = box.ask();
  const std::uint64_t second = box.ask();
  CHECK_FALSE(box.result(first).has_value());
  const std::uint64_t wishes = box.begin();
  const std::uint64_t third = box.ask();  // the file may have been read before it was changed
  box.end(wishes, {.applied = true, .json = "1"});
  CHECK(box.result(first)->json == "1");
  CHECK(box.result(second)->applied);
  CHECK_FALSE(box.result(third).has_value());
  box.end(box.begin(), {.applied = false, .json = "2"});
  CHECK(box.result(third)->json == "2");
}

}  // namespace
}  // namespace ringcast::broker
