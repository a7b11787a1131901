// Many publishes in one POST, and what is said of each.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "broker/batch.h"
#include "tests/broker/http_bench.h"

using namespace ringcast;
using namespace ringcast::broker;
using namespace ringcast::broker::test;

TEST_CASE("a batch publishes its good lines, and says of each what became of it") {
  const std::string body = R"({"topic":"a","json":{"px":1}}
{"topic":"a/+","text":"x"}

{"topic":"a","text":"x","base64":"eA=="}
{"topic":"b","op":"remove"}
not json
{"topic":"$sys","text":"x"}
{"topic":"a","text":"x","id":1}
{"topic":"a","text":"x","producer_seq":1}
[1]
{"topic":"a","base64":"AAE=","content_type":"image/x-two","headers":{"k":"v"}})";
  constexpr const char* kExpected[] = {
      R"({"line":1,"seq":1,"epoch":"00000000000000e0",)", R"({"line":2,"status":400,"error":"bad_topic",)",
      R"({"line":4,"status":400,"error":"bad_value",)",   R"({"line":5,"seq":1,"epoch":"00000000000000e0",)",
      R"({"line":6,"status":400,"error":"malformed",)",   R"({"line":7,"status":403,"error":"forbidden",)",
      R"({"line":8,"status":400,"error":"bad_value",)",   R"({"line":9,"status":400,"error":"bad_value",)",
      R"({"line":10,"status":400,"error":"malformed",)",  R"({"line":11,"seq":2,"epoch":"00000000000000e0",)"};
  const std::string chunked = "Transfer-Encoding: chunked\r\nContent-Type: application/x-ndjson\r\n";
  char size[8];
  std::snprintf(size, sizeof size, "%zx", body.size());
  for (const std::string& sent :
       {post("/topics", body, "Content-Type: application/x-ndjson; charset=utf-8\r\n"),
        post("/topics", body, "Content-Type: application/x-www-form-urlencoded\r\n"),
        request("POST /topics", chunked, std::string(size) + "\r\n" + body + "\r\n0\r\n\r\n")}) {
    for (const bool whole : {true, false}) {
      HttpBench bench;
      const std::string answer = whole ? bench.ask(sent) : bench.ask_byte_by_byte(sent);
      CHECK(answer.starts_with("HTTP/1.1 200 "));
      CHECK(field(answer, "Content-Type") == "application/x-ndjson");
      std::string rest = body_of(answer);
      for (const char* expected : kExpected) {
        CHECK_MESSAGE(rest.starts_with(expected), rest);
        rest.erase(0, rest.find('\n') + 1);
      }
      CHECK(rest.empty());
      const std::string value = bench.ask(request("GET /topics/a"));
      CHECK(field(value, "Content-Type") == "image/x-two");
      CHECK(body_of(value) == std::string("\0\1", 2));
    }
  }
}

TEST_CASE("a batch that is none is refused whole") {
  HttpBench bench;
  const auto name_of = [&](std::string_view sent) {
    const std::string answer = bench.ask(sent);
    const std::size_t at = answer.find("\"error\":\"") + 9;
    return answer.substr(at, answer.find('"', at) - at);
  };
  CHECK(name_of(post("/topics", "")) == "no_lines");
  CHECK(name_of(post("/topics", "\n\n")) == "no_lines");
  std::string many;
  for (std::uint32_t i = 0; i <= Batch::kLinesMax; ++i) many += "{\"topic\":\"many\",\"text\":\"\"}\n";
  CHECK(name_of(post("/topics", many)) == "too_many_lines");
  CHECK(bench.ask(request("GET /topics/many")).starts_with("HTTP/1.1 404 "));
  CHECK(name_of(request("GET /topics")) == "method_not_allowed");
  CHECK(bench.goes_on());
  CHECK(name_of(request("POST /topics?a=1", "Content-Length: 0\r\n")) == "unknown_parameter");
  const std::string other = bench.ask(post("/topics", "{}", "Content-Type: application/json\r\n"));
  CHECK(other.starts_with("HTTP/1.1 415 "));
  CHECK(field(other, "Accept") == "application/x-ndjson");
  CHECK(!bench.goes_on());
}

TEST_CASE("the largest batch goes through the smallest ring, in the order of its lines") {
  HttpBench bench;
  std::string body;
  for (std::uint32_t i = 0; i < Batch::kLinesMax; ++i) {
    body += "{\"topic\":\"t" + std::to_string(i % 3) + "\",\"text\":\"" + std::to_string(i) + "\"}\n";
  }
  const std::string answer = bench.ask(post("/topics", body));
  CHECK(answer.starts_with("HTTP/1.1 200 "));
  std::uint32_t line = 1;
  std::string results = body_of(answer);
  for (; !results.empty(); ++line) {
    const std::string seq = std::to_string((line - 1) / 3 + 1);
    CHECK(results.starts_with("{\"line\":" + std::to_string(line) + ",\"seq\":" + seq + ","));
    results.erase(0, results.find('\n') + 1);
  }
  CHECK(line == Batch::kLinesMax + 1);
  CHECK(body_of(bench.ask(request("GET /topics/t0"))) == "1023");
}

TEST_CASE("a batch that comes again with its Idempotency-Key publishes only the lines that were not") {
  HttpBench bench;
  const std::string key = "Idempotency-Key: k\r\n";
  const auto batch = [&](std::string_view second) {
    return post("/topics",
                "{\"topic\":\"a\",\"text\":\"1\"}\n" + std::string(second) + "\n{\"topic\":\"a\",\"text\":\"1\"}", key);
  };
  const std::string first = body_of(bench.ask(batch("{}")));
  CHECK(first.starts_with("{\"line\":1,\"seq\":1,"));
  CHECK(first.contains("\n{\"line\":3,\"seq\":2,"));
  const std::string again = body_of(bench.ask(batch("{\"topic\":\"a\",\"text\":\"2\"}")));
  CHECK(again.starts_with("{\"line\":1,\"seq\":1,"));
  CHECK(again.contains("\n{\"line\":2,\"seq\":3,"));
  CHECK(again.contains("\n{\"line\":3,\"seq\":2,"));
  CHECK(again.ends_with(",\"duplicate\":true}\n"));
  const std::string reused = body_of(bench.ask(batch("{\"topic\":\"a\",\"text\":\"3\"}")));
  CHECK(reused.contains("\n{\"line\":2,\"status\":422,\"error\":\"idempotency_key_reused\","));
}

TEST_CASE("lines that found no room in time are certainly not published; of those on their way their home decides") {
  ConnectionsBench bench({.shards = 2, .requests_capacity = 16});
  const std::string topic = [] {  // of which shard 1 is the home, which the test plays
    for (char c = 'a';; ++c) {
      if (topics::owner(topics::hash_name(kBenchKey, std::string(1, c)), 2) == 1) return std::string(1, c);
    }
  }();
  std::string body;
  for (int i = 0; i < 20; ++i) body += "{\"topic\":\"" + topic + "\",\"text\":\"\"}\n";
  const SlotId slot = bench.connect();
  bench.receive(slot, post("/topics", body));
  bench.turn();
  bench.now.monotonic = bench.now.monotonic + bench.config.post_hold_ms + 100;
  bench.turn();
  CHECK(bench.take_sent().empty());
  Queue<Request>& asked = bench.mesh.requests(0, 1);
  Queue<Delivery>& answers = bench.mesh.deliveries(1, 0);
  std::uint64_t seq = 0;
  for (const Request* one = asked.front(); one != nullptr; one = asked.front()) {
    const Delivery ack{.kind = Delivery::Kind::ack, .ticket = one->ticket, .slot = one->slot, .seq = ++seq};
    asked.pop();
    REQUIRE(answers.push(ack));
  }
  answers.flush();
  CHECK(seq == 16);
  bench.turn();
  const std::string results = body_of(bench.take_sent());
  CHECK(results.contains("{\"line\":16,\"seq\":16,"));
  CHECK(results.contains("{\"line\":17,\"status\":503,\"error\":\"busy\","));
  CHECK(results.contains("{\"line\":20,\"status\":503,\"error\":\"busy\","));
}
