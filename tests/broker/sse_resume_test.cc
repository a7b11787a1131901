// Event streams of those who come back with the last id that they saw.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "broker/checkpoint.h"
#include "tests/broker/sse_stream.h"

namespace ringcast::broker::test {

namespace {}  // namespace

TEST_CASE("sse: who comes back and has missed nothing is told so, and gets nothing twice") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  for (const char* target : {"/topics/a", "/topics/%23", "/topics/+?last=1"}) {
    CAPTURE(target);
    bench.say(publisher, publish("a", "before"));
    Client& client = bench.request(0, get(target));
    Stream stream(client);
    bench.say(publisher, publish("a", "heard"));
    const std::string id = stream.id();
    bench.lose(client);
    bench.settle();
    // On another shard, too: a token is the broker's, not a shard's.
    for (std::uint32_t shard = 0; shard < 2; ++shard) {
      Client& back = bench.request(shard, get(target, with_id(id)));
      Stream again(back);
      CHECK(types(again.take()) == Texts{"recovered"});
      CHECK(!again.id().empty());
      bench.lose(back);
    }
  }
}

TEST_CASE("sse: what happens to other topics does not matter to who comes back") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  bench.say(publisher, publish("a/x", "1"));
  Client& exact = bench.request(0, get("/topics/a/x"));
  Client& wild = bench.request(0, get("/topics/a/%23"));
  const std::string exact_id = Stream(exact).id();
  const std::string wild_id = Stream(wild).id();
  for (int i = 0; i < 100; ++i) bench.say(publisher, publish("b/" + std::to_string(i), "x"));
  CHECK(types(Stream(bench.request(1, get("/topics/a/x", with_id(exact_id)))).take()) == Texts{"recovered"});
  CHECK(types(Stream(bench.request(1, get("/topics/a/%23", with_id(wild_id)))).take()) == Texts{"recovered"});
}

TEST_CASE("sse: who comes back gets what was missed before anything newer, and is told whether it is all") {
  for (const std::uint32_t history : {1U, 10U}) {
    FullBench::Options options;
    options.config.history = history;
    FullBench bench(options);
    Client& publisher = bench.connect(0);
    for (const char* target : {"/topics/a", "/topics/+"}) {
      CAPTURE(target);
      Client& client = bench.request(0, get(target));
      const std::string id = Stream(client).id();
      bench.lose(client);
      bench.settle();
      bench.say(publisher, publish("a", "missed"));
      bench.say(publisher, publish("a", "newest"));
      Stream again(bench.request(1, get(target, with_id(id))));
      const auto events = again.take();
      REQUIRE(types(events) == (history == 1 ? Texts{"message", "gap"} : Texts{"message", "message", "recovered"}));
      if (history == 1) CHECK(has(events[1].data, R"("reason":"forgotten")"));
      CHECK(has(events[0].data, history == 1 ? "newest" : "missed"));
      CHECK(!again.id().empty());
      bench.say(publisher, publish("a", "live"));
      CHECK(again.messages().size() == 1);
    }
  }
}

TEST_CASE("sse: live messages wait for what was missed, though it is long") {
  FullBench::Options options;
  options.config.history = 1'000;
  FullBench bench(options);
  Client& publisher = bench.connect(0);
  Client& client = bench.request(0, get("/topics/a"));
  const std::string id = Stream(client).id();
  bench.lose(client);
  bench.settle();
  const std::string filler(400, 'x');
  Texts expected;
  const auto send = [&](int i) {
    expected.push_back(std::to_string(i) + filler);
    bench.whisper(publisher, publish("a", expected.back()));
    (void)bench.turn();
  };
  for (int i = 0; i < 300; ++i) send(i);
  bench.settle();
  Client& back = bench.request(1, "GET /topics/a HTTP/1.1\r\n");
  bench.write_bytes(back, "Host: localhost\r\nAccept: text/event-stream\r\n" + with_id(id) + "\r\n");
  for (int i = 300; i < 400; ++i) send(i);
  bench.settle();
  Stream stream(back);
  Texts heard;
  for (const StreamEvent& event : stream.take()) heard.push_back(event.type == "message" ? event.data : event.type);
  const auto notice = std::ranges::find(heard, "recovered");
  REQUIRE(notice != heard.end());
  CHECK(notice - heard.begin() >= 300);
  heard.erase(notice);
  CHECK(heard == expected);
}

TEST_CASE("sse: an event that passed by is a gap, and a removal comes") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  struct Row {
    const char* change;
    Texts exact;
    Texts wild;
  };
  const Row rows[] = {
      {R"({"publish":{"topic":"a","op":"event","text":"x"}})", {"gap"}, {"gap"}},
      {R"({"publish":{"topic":"a","op":"remove"}})", {"remove", "recovered"}, {"message", "recovered"}}};
  for (const Row& row : rows) {
    const std::string exact = Stream(bench.request(0, get("/topics/a"))).id();
    const std::string wild = Stream(bench.request(0, get("/topics/%23"))).id();
    bench.say(publisher, row.change);
    CHECK(types(Stream(bench.request(1, get("/topics/a", with_id(exact)))).take()) == row.exact);
    CHECK(types(Stream(bench.request(1, get("/topics/%23", with_id(wild)))).take()) == row.wild);
  }
}

TEST_CASE("sse: an id that says nothing to us is a gap, never an error") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  bench.say(publisher, publish("a", "value"));
  Client& exact = bench.request(0, get("/topics/a"));
  const std::string good = Stream(exact).id();
  const Checkpoint read = read_token(good).value_or(Checkpoint{});
  REQUIRE_FALSE(read.positions.empty());
  const auto token = [](const Checkpoint& checkpoint) {
    std::string text;
    append_token(checkpoint, text);
    return text;
  };
  Checkpoint foreign = read;
  foreign.epoch ^= 1;
  Checkpoint future = read;
  future.positions[0].position = kPositionMax;
  struct Row {
    std::string id;
    const char* reason;
  };
  const Row rows[] = {
      {"42", "unknown_id"},
      {"garbage \xff;", "unknown_id"},
      {std::string(5'000, 'A'), "unknown_id"},
      {good + "A", "unknown_id"},
      {token(foreign), "restarted"},
      {token(future), "forgotten"},                                  // no position of ours: who knows?
      {token({.epoch = read.epoch, .positions = {}}), "forgotten"},  // says nothing about this topic's home
  };
  for (const Row& row : rows) {
    CAPTURE(row.id);
    Stream stream(bench.request(1, get("/topics/a", with_id(row.id))));
    CHECK(stream.head().starts_with("HTTP/1.1 200 "));
    const auto events = stream.take();
    const bool known_before = std::string_view(row.reason) != "forgotten";
    REQUIRE(types(events) == (known_before ? Texts{"gap", "message"} : Texts{"message", "gap"}));
    CHECK(has(events[known_before ? 0 : 1].data, std::string(R"("reason":")") + row.reason + "\""));
    CHECK(events[known_before ? 1 : 0].data == "value");
  }
  // The token of a topic says too little for a filter.
  CHECK(types(Stream(bench.request(1, get("/topics/%23", with_id(good)))).take()) == Texts{"gap"});
  CHECK(Stream(bench.request(1, get("/topics/a", "Last-Event-ID:\r\n"))).take().empty());
}

}  // namespace ringcast::broker::test
