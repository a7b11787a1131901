// Checkpoints, and subscriptions that go on where an earlier connection was.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "broker/checkpoint.h"
#include "tests/broker/full_bench.h"
#include "tests/broker/full_json.h"

namespace ringcast::broker::test {

namespace {

// What was heard, short: messages as "topic=text" with their mark's letter before them, checkpoints left out.
Texts shortened(const Texts& heard) {
  Texts texts;
  for (const std::string& text : heard) {
    const std::string kind = text.substr(2, text.find('"', 2) - 2);
    if (kind == "message") {
      const std::string mark = value_of(text, "mark");
      texts.push_back((mark.empty() ? "" : mark.substr(0, 1) + " ") + value_of(text, "topic") + "=" +
                      (value_of(text, "op") == "remove" ? "removed" : value_of(text, "text")));
    } else if (kind == "snapshot_end") {
      texts.push_back("end " + value_of(text, "resumed"));
    } else if (kind == "error") {
      texts.push_back("error " + value_of(text, "code") + " " + value_of(text, "field"));
    } else if (kind != "checkpoint" && kind != "welcome") {
      texts.push_back(kind);
    }
  }
  return texts;
}

std::vector<std::string> tokens(const Texts& heard) {
  Texts found;
  for (const std::string& text : heard) {
    if (text.starts_with(R"({"checkpoint":)")) found.push_back(value_of(text, "token"));
  }
  return found;
}

constexpr std::string_view kHello = R"({"hello":{"id":1,"features":["checkpoints"]}})";

std::string subscribe_to(std::string_view filter, std::string_view more = "") {
  return subscribe(2, filter, more);
}

std::string resume_at(std::string_view filter, std::string_view token, std::string_view more = "") {
  return subscribe_to(filter, R"(,"start":"resume","resume_token":")" + std::string(token) + "\"" + std::string(more));
}

void publish_text(FullBench& bench, Client& client, std::string_view topic, std::string_view text) {
  bench.say(client, publish(topic, text));
}

FullBench::Options keeping(std::uint32_t history) {
  FullBench::Options options;
  options.config.history = history;
  return options;
}

// Subscribes, and returns the first token.
std::string token_of(FullBench& bench, std::string_view filter) {
  Client& client = bench.connect(0);
  bench.say(client, kHello);
  const Texts heard = bench.ask(client, subscribe_to(filter));
  bench.lose(client);
  bench.settle();
  const Texts found = tokens(heard);
  REQUIRE(found.size() == 1);
  return found[0];
}

}  // namespace

TEST_CASE("resume: a checkpoint is told when a subscription has begun, and some time after messages") {
  FullBench bench;
  Client& client = bench.connect(0);
  const Texts welcome = bench.ask(client, kHello);
  REQUIRE(welcome.size() == 1);
  CHECK(welcome[0].find(R"("features":["checkpoints"])") != std::string::npos);
  Texts heard = bench.ask(client, subscribe_to("a/#", R"(,"start":"last_values")"));
  CHECK(tokens(heard).size() == 1);
  CHECK(heard.back().starts_with(R"({"checkpoint":)"));  // behind snapshot_end
  CHECK(value_of(heard.back(), "epoch") == "0000000000abcdef");
  Client& publisher = bench.connect(1);
  for (int i = 0; i < 3; ++i) publish_text(bench, publisher, "a/b", "x");
  heard = bench.take(client);
  CHECK(heard.size() == 3);
  bench.now.monotonic = bench.now.monotonic + (FullSession::kCheckpointIntervalMs - 1);
  bench.settle();
  CHECK(bench.take(client).empty());
  CHECK(bench.shard(0).next_deadline() <= bench.now.monotonic + 1);
  bench.now.monotonic = bench.now.monotonic + 1;
  bench.settle();
  const Texts later = bench.take(client);
  REQUIRE(later.size() == 1);
  const auto checkpoint = read_token(value_of(later[0], "token"));
  REQUIRE(checkpoint);
  CHECK(checkpoint->epoch == 0xabcdef);
  std::uint64_t positions = 0;
  for (const OriginPosition& of : checkpoint->positions) positions += of.position;
  CHECK(positions == 3);
  bench.now.monotonic = bench.now.monotonic + 10 * FullSession::kCheckpointIntervalMs;
  bench.settle();
  CHECK(bench.take(client).empty());  // nothing has come since
}

TEST_CASE("resume: who did not ask for checkpoints gets none") {
  FullBench bench;
  Client& client = bench.connect(0);
  CHECK(tokens(bench.ask(client, subscribe_to("a"))).empty());
  Client& late = bench.connect(0, "/topics/a");
  CHECK(tokens(bench.ask(late, kHello)).size() == 1);  // of the subscription that its URL names
}

TEST_CASE("resume: every message since comes in order before live ones, and it is recovered") {
  FullBench bench(keeping(100));
  Client& publisher = bench.connect(1);
  publish_text(bench, publisher, "a/1", "before");
  const std::string token = token_of(bench, "a/#");
  for (const char* text : {"1", "2", "3"}) publish_text(bench, publisher, "a/1", text);
  publish_text(bench, publisher, "b", "another's");
  publish_text(bench, publisher, "a/2", "4");
  bench.say(publisher, R"({"publish":{"topic":"a/2","op":"remove"}})");
  for (std::uint32_t shard = 0; shard < 2; ++shard) {
    Client& client = bench.connect(shard);
    bench.say(client, kHello);
    Texts heard = shortened(bench.ask(client, resume_at("a/#", token)));
    REQUIRE(heard.size() == 7);
    CHECK(heard.front() == "subscribed");
    CHECK(heard.back() == "end recovered");
    std::ranges::sort(heard);
    CHECK(heard == Texts{"end recovered", "r a/1=1", "r a/1=2", "r a/1=3", "r a/2=4", "r a/2=removed", "subscribed"});
  }
}

TEST_CASE("resume: what the client says it received does not come again") {
  FullBench bench(keeping(100));
  Client& publisher = bench.connect(1);
  Client& client = bench.connect(0);
  bench.say(client, kHello);
  const Texts begun = tokens(bench.ask(client, subscribe_to("a")));
  REQUIRE(begun.size() == 1);
  for (const char* text : {"1", "2", "3"}) publish_text(bench, publisher, "a", text);
  const Texts heard = bench.take(client);
  REQUIRE(heard.size() == 3);
  const std::string origin = value_of(heard[1], "origin");  // 0 is not written
  const std::string received = R"(,"received":[{"origin":)" + (origin.empty() ? "0" : origin) + R"(,"position":)" +
                               value_of(heard[1], "position") + "}]";
  CHECK(shortened(bench.ask(bench.connect(1), resume_at("a", begun[0], received))) ==
        Texts{"subscribed", "r a=3", "end recovered"});
  CHECK(shortened(bench.ask(bench.connect(1), resume_at("a", begun[0]))) ==
        Texts{"subscribed", "r a=1", "r a=2", "r a=3", "end recovered"});
}

TEST_CASE("resume: what history did not keep is a gap, and what it kept comes") {
  FullBench bench(keeping(2));
  Client& publisher = bench.connect(1);
  publish_text(bench, publisher, "a", "0");
  const std::string token = token_of(bench, "a");
  for (const char* text : {"1", "2", "3"}) publish_text(bench, publisher, "a", text);
  CHECK(shortened(bench.ask(bench.connect(0), resume_at("a", token))) ==
        Texts{"subscribed", "r a=2", "r a=3", "end gap"});
}

TEST_CASE("resume: nothing was published since: recovered, and nothing comes") {
  FullBench bench;
  Client& publisher = bench.connect(1);
  publish_text(bench, publisher, "a/1", "0");
  const std::string token = token_of(bench, "a/#");
  publish_text(bench, publisher, "b", "1");
  CHECK(shortened(bench.ask(bench.connect(0), resume_at("a/#", token))) == Texts{"subscribed", "end recovered"});
}

TEST_CASE("resume: a token of another epoch is a gap, then all that this one has") {
  FullBench bench(keeping(100));
  Client& publisher = bench.connect(1);
  for (const char* text : {"1", "2"}) publish_text(bench, publisher, "a", text);
  std::string token;
  append_token({.epoch = 7, .positions = {{0, 1'000}, {1, 1'000}}}, token);
  CHECK(shortened(bench.ask(bench.connect(0), resume_at("a", token, R"(,"received":[{"origin":63,"position":9}])"))) ==
        Texts{"subscribed", "r a=1", "r a=2", "end gap"});
}

TEST_CASE("resume: a token that says nothing of a home is a gap, and all of that home comes") {
  FullBench bench(keeping(100));
  Client& publisher = bench.connect(1);
  for (const char* topic : {"a/1", "a/2", "a/3", "a/4", "a/5", "a/6"}) publish_text(bench, publisher, topic, "x");
  for (const char* more : {"", R"(,"received":[{"origin":0,"position":2},{"origin":1,"position":2}])"}) {
    std::string token;
    append_token({.epoch = 0xabcdef, .positions = {}}, token);
    const Texts heard = shortened(bench.ask(bench.connect(0), resume_at("a/#", token, more)));
    CHECK(heard.size() == 8);
    CHECK(heard.back() == "end gap");
  }
}

TEST_CASE("resume: a position that the broker never gave is a gap") {
  FullBench bench(keeping(100));
  Client& publisher = bench.connect(1);
  publish_text(bench, publisher, "a", "1");
  std::string token;
  append_token({.epoch = 0xabcdef, .positions = {{0, 1'000}, {1, 1'000}}}, token);
  CHECK(shortened(bench.ask(bench.connect(0), resume_at("a", token))) == Texts{"subscribed", "r a=1", "end gap"});
}

TEST_CASE("resume: what is not a token is refused by name, and the connection stays") {
  FullBench bench;
  const std::string token = token_of(bench, "a");
  Client& client = bench.connect(0);
  const std::pair<std::string, std::string> bad[] = {
      {"x", ""},
      {token + "A", ""},
      {token.substr(1), ""},
      {token, R"(,"received":[{"origin":0,"position":1},{"origin":2,"position":1}])"},
  };
  for (const auto& [wrong, more] : bad) {
    const Texts heard = shortened(bench.ask(client, resume_at("a", wrong, more)));
    CHECK(heard == Texts{more.empty() ? "error bad_value subscribe.resume_token"
                                      : "error bad_value subscribe.received[1].origin"});
  }
  CHECK(shortened(bench.ask(client, resume_at("a", token))) == Texts{"subscribed", "end recovered"});
}

TEST_CASE("resume: since a time comes what was published then and later") {
  FullBench bench(keeping(100));
  Client& publisher = bench.connect(1);
  for (int i = 0; i < 5; ++i) {
    bench.now.utc_us = 10'000'000 + i * 2'000'000;
    publish_text(bench, publisher, "a", std::to_string(i));
  }
  const auto since = [&](std::int64_t us) {
    return shortened(
        bench.ask(bench.connect(0), subscribe_to("a", R"(,"start":"since_time","since_us":)" + std::to_string(us))));
  };
  CHECK(since(14'000'000) == Texts{"subscribed", "r a=2", "r a=3", "r a=4", "end recovered"});
  CHECK(since(14'000'001) == Texts{"subscribed", "r a=3", "r a=4", "end recovered"});
  CHECK(since(19'000'000) == Texts{"subscribed", "end recovered"});
  CHECK(since(1) == Texts{"subscribed", "r a=0", "r a=1", "r a=2", "r a=3", "r a=4", "end gap"});  // before it began
}

}  // namespace ringcast::broker::test
