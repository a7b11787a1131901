// What a connection publishes itself and does not hear (`echo` false), where it is owed newest values.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/broker/lag_bench.h"

namespace ringcast::broker::test {

namespace {

using Texts = std::vector<std::string>;

std::string publish(std::string_view topic, std::string_view text, std::string_view op = "set") {
  return R"({"publish":{"topic":")" + std::string(topic) + R"(","op":")" + std::string(op) + R"(","text":")" +
         std::string(text) + R"("}})";
}

// A client that publishes beside others, and what it hears.
struct Scene : FullBench {
  Scene() : Scene(Options{}) {}
  explicit Scene(const Options& options) : FullBench(options) {}

  Client& other = connect(0);
  Client& self = connect(0);

  void subscribe(int id, std::string_view filter, std::string_view options) {
    say(self, R"({"subscribe":{"id":)" + std::to_string(id) + R"(,"filter":")" + std::string(filter) + "\"" +
                  std::string(options) + "}}");
    (void)take(self);
  }
  // After all ticks: the texts of what came.
  Texts hear() {
    now.monotonic = now.monotonic + 2'000;
    settle();
    proto::JsonForm form;
    Texts texts;
    for (const std::string& heard : take(self)) {
      const auto event = form.read_event({reinterpret_cast<const std::uint8_t*>(heard.data()), heard.size()});
      REQUIRE(event.has_value());
      if (const auto* message = std::get_if<proto::Message>(&*event)) {
        texts.emplace_back(message->payload.begin(), message->payload.end());
      }
    }
    return texts;
  }
};

// A laggard of all topics that does not hear itself.
struct SilentLaggard : LagBench {
  Account account;

  SilentLaggard() {
    bench.say(slow, R"({"subscribe":{"id":1,"filter":"#","echo":false}})");
    (void)bench.take(slow);
    slow.reads = false;
  }
  // It reads again, up to the end.
  void catch_up() {
    REQUIRE(counters().degrades > 0);
    resume();
    account.take(bench, slow);
    CHECK(account.in_order);
    CHECK(account.texts["a"] != "mine");
  }
};

constexpr std::string_view kLatest = R"(,"delivery":"latest","max_rate_hz":10)";
constexpr std::string_view kSilent = R"(,"delivery":"latest","max_rate_hz":100,"echo":false)";

}  // namespace

TEST_CASE("own messages: a value that is not heard takes the place of those before it") {
  Scene scene;
  scene.subscribe(1, "t", kSilent);
  scene.say(scene.other, publish("t", "theirs"));
  scene.say(scene.self, publish("t", "mine"));
  CHECK(scene.hear().empty());
  scene.say(scene.other, publish("t", "theirs again"));
  CHECK(scene.hear() == Texts{"theirs again"});
}

TEST_CASE("own messages: an event that is not heard does not take the place of a value") {
  Scene scene;
  scene.subscribe(1, "t", kSilent);
  scene.say(scene.other, publish("t", "theirs"));
  scene.say(scene.self, publish("t", "mine", "event"));
  CHECK(scene.hear() == Texts{"theirs"});
}

TEST_CASE("own messages: what one subscription does not hear is owed to another that does, with all before it") {
  Scene scene;
  scene.subscribe(1, "t", kSilent);
  scene.subscribe(2, "#", kLatest);
  scene.say(scene.other, publish("t", "theirs"));
  scene.say(scene.self, publish("t", "mine", "event"));
  CHECK(scene.hear() == Texts{"theirs", "mine"});
  scene.say(scene.other, publish("t", "theirs"));
  scene.say(scene.self, publish("t", "my value"));
  CHECK(scene.hear() == Texts{"my value"});
}

TEST_CASE("own messages: who goes silent while one is handed out has it all the same by who heard it then") {
  std::size_t waited = 0;
  for (std::size_t turns = 0; turns < 8; ++turns) {
    CAPTURE(turns);
    Scene scene({.shards = 1, .budget = {.requests = 1, .appends = 1}});
    scene.say(scene.other, R"({"subscribe":{"id":1,"filter":"t"}})");
    scene.subscribe(1, "t", kLatest);
    scene.whisper(scene.self, publish("t", "mine"));
    for (std::size_t i = 0; i < turns; ++i) (void)scene.turn();
    if (scene.shard(0).latest().owed() == 0) ++waited;
    scene.subscribe(2, "another", R"(,"echo":false)");
    CHECK(scene.hear() == Texts{"mine"});
  }
  CHECK(waited > 1);
  CHECK(waited < 8);
}

TEST_CASE("own messages: they are not heard by who has ended the subscription that heard them") {
  Scene scene;
  scene.subscribe(1, "t", kSilent);
  scene.subscribe(2, "#", kLatest);
  scene.say(scene.self, publish("t", "mine"));
  scene.say(scene.self, R"({"unsubscribe":{"id":3,"subscription":2}})");
  CHECK(scene.hear().empty());
}

// Of a connection that lags the topic is owed, and its newest value may be its own.
TEST_CASE("own messages: who has degraded is not sent those that it does not hear, and the counts are exact") {
  SilentLaggard lag;
  lag.publish("a", 200);
  lag.publish("b", 200);
  REQUIRE(lag.counters().degrades > 0);
  lag.bench.say(lag.slow, publish("a", "mine"));
  lag.publish("b", 1);
  lag.catch_up();
  CHECK(lag.account.seqs["b"].back() == 201);
  CHECK(lag.account.messages + lag.account.merged() == 401);
  REQUIRE(!lag.account.lags.empty());
  CHECK(lag.account.lags.back().caught_up);
}

// Nor those that it published before a subscription that would have heard them.
TEST_CASE("own messages: one that came before the subscription that hears it is not owed to it, nor counted as sent") {
  SilentLaggard lag;
  lag.publish("a", 2);
  lag.publish("b", 400);
  REQUIRE(lag.counters().degrades > 0);
  lag.bench.say(lag.slow, publish("a", "mine"));
  lag.bench.say(lag.slow, R"({"subscribe":{"id":2,"filter":"a"}})");
  lag.catch_up();
  CHECK(lag.account.messages + lag.account.merged() == 402);
}

// The same where the shard has that value already, as others are owed it, before the connection lags.
TEST_CASE("own messages: who degrades is not owed its own newer value, though others are") {
  SilentLaggard lag;
  Client& dashboard = lag.bench.connect(1);
  lag.bench.say(dashboard, R"({"subscribe":{"id":1,"filter":"a","delivery":"latest","max_rate_hz":1}})");
  lag.publish("a", 3);
  lag.bench.say(lag.slow, publish("a", "mine"));
  lag.publish("b", 400);
  lag.catch_up();
  CHECK(lag.account.seqs["b"].back() == 400);
  CHECK(lag.account.messages + lag.account.merged() == 403);
}

}  // namespace ringcast::broker::test
