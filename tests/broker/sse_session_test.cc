#include "broker/sse_session.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/broker/sse_stream.h"

namespace ringcast::broker::test {

namespace {}  // namespace

TEST_CASE("sse: a stream begins with its head, a time to wait and an id; each message follows once") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  for (std::uint32_t shard = 0; shard < 2; ++shard) {
    Client& client = bench.request(shard, get("/topics/a/b"));
    Stream stream(client);
    CHECK(stream.head().starts_with("HTTP/1.1 200 OK\r\n"));
    for (const char* field : {"Content-Type: text/event-stream; charset=utf-8\r\n", "Vary: Accept\r\n",
                              "Cache-Control: no-cache, no-store, no-transform\r\n", "X-Accel-Buffering: no\r\n",
                              "Transfer-Encoding: chunked\r\n", "Connection: close\r\n"}) {
      CHECK_MESSAGE(has(stream.head(), field), field);
    }
    CHECK(!has(stream.head(), "Content-Length"));
    CHECK(stream.take().empty());
    CHECK(stream.source().reconnection_time_ms().has_value());
    CHECK(stream.source().ids() == 1);
    bench.say(publisher, publish("a/b", "one"));
    bench.say(publisher, publish("a/c", "not mine"));
    bench.say(publisher, publish("a/b", "two\\nlines"));
    CHECK(stream.messages() == Texts{"one", "two\nlines"});
    CHECK(!stream.ended());
    bench.lose(client);
  }
}

TEST_CASE("sse: a shard does not sleep while a stream is owed an id, as it has read the last that it begins with") {
  FullBench bench({.shards = 1});
  Client& publisher = bench.connect(0);
  bench.say(publisher, publish("a", std::string(2 * Subscribing::kPullWhileOwedMax, 'x')));
  Client& client = bench.request(0, "");
  bench.write_bytes(client, get("/topics/a?last=1"));
  bool owed = false;
  for (int turns = 0; turns < 20; ++turns) {
    (void)bench.turn();
    if (!bench.shard(0).sessions().find(client.slot)->id_due) continue;
    owed = true;
    CHECK(bench.shard(0).must_not_sleep());
  }
  CHECK(owed);
  Stream stream(client);
  CHECK(stream.messages().size() == 1);
  CHECK(!stream.id().empty());
}

TEST_CASE("sse: HTTP/1.0 gets the same events without chunks") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  Stream old(bench.request(1, get("/topics/a", "", "1.0")));
  Stream old_json(bench.request(1, get("/topics/%23", "", "1.0")));
  Stream chunked(bench.request(1, get("/topics/a")));
  CHECK(!has(old.head(), "Transfer-Encoding"));
  CHECK(has(old.head(), "Connection: close"));
  bench.say(publisher, publish("a", "x"));
  CHECK(old.messages() == Texts{"x"});
  CHECK(chunked.messages() == Texts{"x"});
  CHECK(old_json.messages().size() == 1);
}

TEST_CASE("sse: wildcards and format=json say which topic, as JSON") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  Stream wild(bench.request(0, get("/topics/a/%23")));
  Stream one(bench.request(1, get("/topics/a/b?format=json")));
  bench.say(publisher, publish("a/b", "x"));
  bench.say(publisher, publish("a", "y"));
  const Texts of_wild = wild.messages();
  REQUIRE(of_wild.size() == 2);
  CHECK(of_wild[0].starts_with(R"({"message":{"seq":1,"topic":"a/b","text":"x",)"));
  CHECK(of_wild[1].starts_with(R"({"message":{"seq":1,"topic":"a","text":"y",)"));
  CHECK(one.messages() == Texts{of_wild[0]});
}

TEST_CASE("sse: last=1 begins with the last values, then live, nothing twice") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  for (int i = 0; i < 200; ++i) bench.say(publisher, publish("t/" + std::to_string(i), std::to_string(i)));
  bench.say(publisher, publish("t/7", "seven"));
  Stream one(bench.request(1, get("/topics/t/7?last=1")));
  Stream all(bench.request(1, get("/topics/t/+?last=1")));
  Stream none(bench.request(1, get("/topics/t/7")));
  CHECK(one.messages() == Texts{"seven"});
  CHECK(all.messages().size() == 200);
  CHECK(none.messages().empty());
  CHECK(all.source().ids() == 1);  // when all were said
  bench.say(publisher, publish("t/7", "8"));
  CHECK(one.messages() == Texts{"8"});
  CHECK(all.messages().size() == 1);
}

TEST_CASE("sse: an id comes at most once a turn, behind that turn's messages, and is the same for all") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  Stream first(bench.request(1, get("/topics/a")));
  Stream second(bench.request(1, get("/topics/a")));
  const std::string before = first.id();
  for (int i = 0; i < 50; ++i) bench.whisper(publisher, publish("a", std::to_string(i)));
  bench.settle();
  CHECK(first.messages().size() == 50);
  CHECK(second.messages().size() == 50);
  CHECK(first.source().ids() < 20);
  CHECK(first.id() != before);
  CHECK(first.id() == second.id());
  bench.say(publisher, publish("b", "not mine"));
  bench.settle();
  CHECK(first.source().ids() == second.source().ids());
}

TEST_CASE("sse: a removal is told") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  Stream exact(bench.request(0, get("/topics/a")));
  Stream json(bench.request(1, get("/topics/a?format=json")));
  bench.say(publisher, publish("a", "x"));
  bench.say(publisher, R"({"publish":{"topic":"a","op":"remove"}})");
  const auto of_exact = exact.take();
  REQUIRE(types(of_exact) == Texts{"message", "remove"});
  CHECK(has(of_exact[1].data, R"("topic":"a","op":"remove")"));
  const Texts of_json = json.messages();
  REQUIRE(of_json.size() == 2);
  CHECK(has(of_json[1], R"("topic":"a","op":"remove")"));
}

TEST_CASE("sse: who waits for its socket gets its id when it has taken what is before it") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  Client& client = bench.request(1, get("/topics/a"));
  Stream stream(client);
  const std::string before = stream.id();
  client.reads = false;
  bench.shard(1).blocked(client.slot);
  for (int i = 0; i < 10; ++i) bench.say(publisher, publish("a", "x"));
  client.reads = true;
  bench.shard(1).unblocked(client.slot);
  bench.settle();
  CHECK(stream.messages().size() == 10);
  CHECK(stream.source().ids() == 2);  // not eleven
  CHECK(stream.id() != before);
  bench.say(publisher, publish("a", "x"));
  CHECK(stream.source().ids() == 3);
}

TEST_CASE("sse: what is wrong with a request is refused by its name") {
  struct Row {
    const char* target;
    const char* error;
  };
  const Row rows[] = {
      {"/topics/a?colour=red", "unknown_parameter"}, {"/topics/a?delivery=newest", "bad_parameter"},
      {"/topics/a?rate=5", "bad_parameter"},         {"/topics/a?tokens=x", "unknown_parameter"},
      {"/topics/a?format=xml", "bad_parameter"},     {"/topics/a?mode=pub", "bad_parameter"},
      {"/topics/a?last=yes", "bad_parameter"},       {"/topics/a/", "empty_level"},
  };
  FullBench bench;
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const std::string answer = bench.request(0, get(row.target)).head;
    CHECK(answer.starts_with("HTTP/1.1 400 "));
    CHECK(has(answer, std::string("\"error\":\"") + row.error + "\""));
  }
  // Of a value, or a WebSocket, there is no other form.
  const std::string value = bench.request(0, "GET /topics/a?format=json HTTP/1.1\r\nHost: localhost\r\n\r\n").head;
  CHECK(value.starts_with("HTTP/1.1 400 "));
  CHECK(bench.try_connect(0, "/topics/a?format=json", "ringcast.v1.json").starts_with("HTTP/1.1 400 "));
}

TEST_CASE("sse: Accept decides, the answer says so, and HEAD is the head alone") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  bench.say(publisher, publish("a", "value"));
  const auto ask = [&](std::string_view method, std::string_view accept) {
    return bench
        .request(0, std::string(method) + " /topics/a HTTP/1.1\r\nHost: localhost\r\nAccept: " + std::string(accept) +
                        "\r\n\r\n")
        .head;
  };
  for (const char* accept : {"*/*", "text/event-stream;q=0.1, */*"}) {
    const std::string answer = ask("GET", accept);
    CHECK(answer.ends_with("\r\n\r\nvalue"));
    CHECK(has(answer, "Vary: Accept\r\n"));
  }
  const std::string head = ask("HEAD", "text/event-stream");
  CHECK(head.starts_with("HTTP/1.1 200 "));
  CHECK(head.ends_with("\r\n\r\n"));
  CHECK(has(head, "Content-Type: text/event-stream; charset=utf-8\r\n"));
  CHECK(has(ask("GET", "text/event-stream"), "retry: "));
}

}  // namespace ringcast::broker::test
