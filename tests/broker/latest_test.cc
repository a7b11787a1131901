#include "broker/latest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/broker/latest_scene.h"

namespace ringcast::broker::test {

namespace {}  // namespace

TEST_CASE("latest: at each tick the newest value of each topic that changed, in the order in which they first did") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t/#", 10));
  for (const char* text : {"1", "2", "3"}) {
    scene.publish("t/a", text);
    scene.publish("t/b", text);
  }
  scene.publish("t/c", "1");
  scene.publish("t/a", "4");
  CHECK(scene.values(client).empty());
  scene.pass(99);
  CHECK(scene.values(client).empty());
  scene.pass(1);
  CHECK(scene.values(client) == Texts{"t/a=4", "t/b=3", "t/c=1"});
  scene.pass(1'000);
  CHECK(scene.values(client).empty());
  scene.publish("t/b", "5");
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t/b=5"});
  CHECK(scene.served().owed() == 0);
  CHECK(scene.served().table().empty());
}

TEST_CASE("latest: without a rate a value comes at once, of several in one turn the newest") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t/#", 0));
  scene.publish("t/a", "1");
  CHECK(scene.values(client) == Texts{"t/a=1"});
  for (const char* text : {"2", "3", "4"}) {
    scene.whisper(scene.publisher, R"({"publish":{"topic":"t/a","text":")" + std::string(text) + R"("}})");
  }
  scene.settle();
  CHECK(scene.values(client) == Texts{"t/a=4"});
}

TEST_CASE("latest: raw subscribers choose by their URL; text as text") {
  Scene scene;
  for (const char* query : {"?delivery=latest&rate=10", "?rate=10&delivery=latest", "?delivery=latest"}) {
    CAPTURE(query);
    const bool paced = std::string_view(query).find("rate") != std::string_view::npos;
    Client& client = scene.connect(0, std::string("/topics/a/%23") + query, "ringcast.v1.raw");
    for (const char* text : {"1", "2", "3"}) scene.publish("a/b", text);
    CHECK(scene.take(client) == (paced ? Texts{} : Texts{"1", "2", "3"}));
    scene.pass(100);
    CHECK(scene.take(client) == (paced ? Texts{"3"} : Texts{}));
    scene.publish("a/b", "", "remove");  // which raw has no word for
    scene.pass(100);
    CHECK(scene.take(client).empty());
    CHECK(scene.served().owed() == 0);
  }
}

TEST_CASE("latest: parameters that make no sense are refused by name") {
  FullBench bench;
  struct Row {
    const char* target;
    const char* protocol;
    const char* says;
  };
  const std::vector<Row> rows{
      {"/topics/a?delivery=newest", "ringcast.v1.raw", "delivery=newest"},
      {"/topics/a?rate=10", "ringcast.v1.raw", "parameter rate"},
      {"/topics/a?delivery=every&rate=10", "ringcast.v1.json", "parameter rate"},
      {"/topics/a?delivery=latest&rate=", "ringcast.v1.raw", "rate="},
      {"/topics/a?delivery=latest&rate=-1", "ringcast.v1.raw", "rate=-1"},
      {"/topics/a?delivery=latest&rate=nan", "ringcast.v1.raw", "rate=nan"},
      {"/topics/a?delivery=latest&rate=1e999", "ringcast.v1.raw", "rate=1e999"},
      {"/topics/a?delivery=latest&rate=10x", "ringcast.v1.raw", "rate=10x"},
      {"/topics/a?delivery=latest&rate=1001", "ringcast.v1.raw", "rate=1001"},
      {"/topics/a?delivery=latest&rate=0.0009", "ringcast.v1.raw", "rate=0.0009"},
      {"/topics/a?mode=pub&delivery=latest", "ringcast.v1.raw", "mode=pub"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const std::string head = bench.try_connect(0, row.target, row.protocol);
    CHECK(head.starts_with("HTTP/1.1 400 "));
    CHECK_MESSAGE(head.find(row.says) != std::string::npos, head);
  }
  for (const char* rate : {"0", "0.001", "1000", "2.5", "1e1"}) {
    CAPTURE(rate);
    (void)bench.connect(0, "/topics/a?delivery=latest&rate=" + std::string(rate), "ringcast.v1.raw");
  }
}

TEST_CASE("latest: an event is sent after the newest value, of several the newest; a removal is a value") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t", 10));
  scene.publish("t", "e0", "event");
  scene.publish("t", "v1");
  scene.publish("t", "e1", "event");
  scene.publish("t", "e2", "event");
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t=v1", "t=e2"});
  scene.publish("t", "e3", "event");
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t=e3"});  // the value is older than what it has
  scene.publish("t", "v2");
  scene.publish("t", "", "remove");
  scene.pass(100);
  const Texts heard = scene.take(client);
  REQUIRE(heard.size() == 1);
  CHECK(value_of(heard[0], "op") == "remove");
}

TEST_CASE("latest: it begins with last values, and what changes meanwhile is owed, not doubled") {
  Scene scene;
  for (int i = 0; i < 200; ++i) scene.publish("t/" + std::to_string(i), "old");
  Client& client = scene.connect(1);
  scene.whisper(client, latest(1, "t/#", 1, R"(,"start":"last_values")"));
  for (int i = 0; i < 3; ++i) scene.turn();
  scene.whisper(scene.publisher, R"({"publish":{"topic":"t/7","text":"new"}})");
  scene.whisper(scene.publisher, R"({"publish":{"topic":"t/199","text":"new"}})");
  scene.settle();
  scene.pass(1'000);
  std::map<std::string, Texts> values;
  for (const std::string& value : scene.values(client)) {
    const std::size_t equal = value.find('=');
    values[value.substr(0, equal)].push_back(value.substr(equal + 1));
  }
  CHECK(values.size() == 200);
  for (const auto& [topic, texts] : values) {
    CAPTURE(topic);
    CHECK(texts.back() == (topic == "t/7" || topic == "t/199" ? "new" : "old"));
    CHECK(std::ranges::adjacent_find(texts) == texts.end());
  }
}

TEST_CASE("latest: a lot that is due at once goes out in chunks, as the socket takes it") {
  Scene scene;
  Client& client = scene.connect(0, "/topics/t/%23?delivery=latest&rate=1", "ringcast.v1.raw");
  const std::string text(1'000, 'x');
  for (int i = 0; i < 300; ++i) scene.publish("t/" + std::to_string(i), text);
  scene.now.monotonic = scene.now.monotonic + 1'000;
  std::size_t most = 0;
  for (std::size_t got = 0, turns = 0; got < 300; ++turns) {
    REQUIRE(turns < 100);
    scene.turn();
    const std::size_t came = scene.take(client).size();
    most = std::max(most, came);
    got += came;
  }
  CHECK(most >= 60);
  CHECK(most <= 2 * Latest::kChunkBytes / text.size() + 2);
}

}  // namespace ringcast::broker::test
