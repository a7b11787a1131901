#include "broker/full_session.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/broker/full_bench.h"
#include "tests/broker/full_json.h"

namespace ringcast::broker::test {

namespace {}  // namespace

TEST_CASE("full: hello is answered by a welcome that says what the limits are") {
  FullBench bench;
  Client& client = bench.connect(0);
  CHECK(client.heard.empty());  // nothing unasked
  const Texts heard = bench.ask(client, R"({"hello":{"id":5,"features":["credit","telepathy"]}})");
  REQUIRE(heard.size() == 1);
  CHECK(value_of(heard[0], "id") == "5");
  CHECK(value_of(heard[0], "epoch") == "0000000000abcdef");
  CHECK(has(heard[0], R"("features":["credit"])"));
  CHECK(value_of(heard[0], "producer_id").size() == 32);
  CHECK(value_of(heard[0], "messages") == "1024");
  CHECK(value_of(heard[0], "message_bytes") == std::to_string(Config{}.max_message_bytes));
}

TEST_CASE("full: hello comes first or not at all") {
  FullBench bench;
  Client& client = bench.connect(0);
  (void)bench.ask(client, subscribe(1, "a"));
  Texts heard = bench.ask(client, R"({"hello":{"id":2}})");
  REQUIRE(heard.size() == 1);
  CHECK(value_of(heard[0], "code") == "hello_too_late");
  CHECK(value_of(heard[0], "id") == "2");
  Client& other = bench.connect(1);
  (void)bench.ask(other, R"({"hello":{"id":1}})");
  heard = bench.ask(other, R"({"hello":{"id":2}})");
  REQUIRE(heard.size() == 1);
  CHECK(value_of(heard[0], "code") == "hello_too_late");
}

TEST_CASE("full: a subscriber is told that it is subscribed, then gets each message with its numbers") {
  FullBench bench;
  Client& subscriber = bench.connect(0);
  Client& publisher = bench.connect(1);
  CHECK(bench.ask(subscriber, subscribe(1, "a/b")) == Texts{R"({"subscribed":{"id":1,"filter":"a/b"}})"});
  CHECK(bench.ask(publisher, publish("a/b", "one")).empty());  // no id: no answer
  const Texts heard = bench.take(subscriber);
  REQUIRE(heard.size() == 1);
  CHECK(value_of(heard[0], "topic") == "a/b");
  CHECK(value_of(heard[0], "seq") == "1");
  CHECK(value_of(heard[0], "text") == "one");
  CHECK(value_of(heard[0], "time_us") == "1000000");
}

TEST_CASE("full: publishes are acknowledged one by one, with what became of them") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  for (int id = 1; id <= 5; ++id) {
    const Texts heard = bench.ask(publisher, publish("t", "x", id));
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].starts_with(R"({"ack":)"));
    CHECK(value_of(heard[0], "id") == std::to_string(id));
    CHECK(value_of(heard[0], "seq") == std::to_string(id));
  }
}

TEST_CASE("full: cumulative acks say once a turn up to where all is answered") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  (void)bench.ask(publisher, R"({"hello":{"id":1,"features":["cumulative_acks"]}})");
  for (int id = 1; id <= 20; ++id) bench.whisper(publisher, publish("t/" + std::to_string(id), "x", id));
  bench.settle();
  const Texts heard = bench.take(publisher);
  REQUIRE(!heard.empty());
  CHECK(heard.size() < 20);
  CHECK(heard.back() == R"({"ack":{"up_to":20}})");
}

TEST_CASE("full: a connection with overlapping subscriptions gets each message once") {
  FullBench bench;
  Client& subscriber = bench.connect(0);
  Client& publisher = bench.connect(1);
  int id = 0;
  for (const char* filter : {"#", "a/#", "a/+", "a/b", "+/b"}) {
    CHECK(bench.ask(subscriber, subscribe(++id, filter)).size() == 1);
  }
  for (int i = 1; i <= 10; ++i) bench.say(publisher, publish("a/b", std::to_string(i)));
  CHECK(messages(bench.take(subscriber)) == Texts{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"});
  // One after another they go, and the last is as good as all.
  for (; id > 0; --id) {
    CHECK(bench.ask(subscriber, R"({"unsubscribe":{"id":77,"subscription":)" + std::to_string(id) + "}}") ==
          Texts{R"({"unsubscribed":{"id":77,"subscription":)" + std::to_string(id) + "}}"});
    bench.say(publisher, publish("a/b", "x"));
    CHECK(messages(bench.take(subscriber)) == (id > 1 ? Texts{"x"} : Texts{}));
  }
}

TEST_CASE("full: echo=false does not hear itself, unless another subscription does") {
  FullBench bench;
  Client& client = bench.connect(0);
  (void)bench.ask(client, subscribe(1, "a", R"(,"echo":false)"));
  CHECK(bench.ask(client, publish("a", "mine")).empty());
  (void)bench.ask(client, subscribe(2, "+"));
  CHECK(messages(bench.ask(client, publish("a", "mine too"))) == Texts{"mine too"});
}

TEST_CASE("full: last values come marked, with the subscription's id, then the end") {
  FullBench bench;
  Client& publisher = bench.connect(1);
  for (int i = 0; i < 150; ++i) bench.say(publisher, publish("v/" + std::to_string(i), std::to_string(i)));
  bench.say(publisher, publish("v/7", "seven"));
  Client& subscriber = bench.connect(0);
  Texts heard = bench.ask(subscriber, subscribe(9, "v/#", R"(,"start":"last_values")"));
  REQUIRE(heard.size() == 152);
  CHECK(heard.front() == R"({"subscribed":{"id":9,"filter":"v/#"}})");
  CHECK(heard.back() == R"({"snapshot_end":{"subscription":9}})");
  heard.pop_back();
  heard.erase(heard.begin());
  int sevens = 0;
  for (const std::string& text : heard) {
    CHECK(value_of(text, "mark") == "snapshot");
    CHECK(value_of(text, "subscription") == "9");
    if (value_of(text, "text") == "seven") ++sevens;
  }
  CHECK(sevens == 1);
}

TEST_CASE("full: of the last n, each topic's come oldest first, and live ones wait behind them") {
  FullBench::Options options;
  options.config.history = 100;
  FullBench bench(options);
  Client& publisher = bench.connect(1);
  for (int i = 1; i <= 120; ++i) bench.say(publisher, publish("h/a", std::to_string(i)));
  Client& subscriber = bench.connect(0);
  subscriber.reads = false;  // so that the replay takes until we let it
  bench.say(subscriber, subscribe(1, "h/#", R"(,"start":"last_n","last_count":90)"));
  bench.say(publisher, publish("h/a", "121"));
  bench.say(publisher, publish("h/b", "1"));
  subscriber.reads = true;
  bench.settle();
  const Texts heard = bench.take(subscriber);
  Texts expected;
  for (int i = 31; i <= 121; ++i) expected.push_back(std::to_string(i));
  expected.emplace_back("1");
  CHECK(messages(heard) == expected);
  CHECK(heard.front() == R"({"subscribed":{"id":1,"filter":"h/#"}})");
  CHECK(heard[heard.size() - 3] == R"({"snapshot_end":{"subscription":1}})");
  CHECK(value_of(heard[1], "mark") == "replay");
}

TEST_CASE("full: a replay that history overtakes lacks what went, and says that there is a gap") {
  FullBench::Options options;
  options.config.history = 100;
  FullBench bench(options);
  Client& publisher = bench.connect(1);
  const std::string padding(4'000, '.');  // so that they do not all go into the connection's outbox at once
  const auto numbered = [&](int i) { return std::to_string(i) + padding; };
  for (int i = 1; i <= 120; ++i) bench.say(publisher, publish("h/a", numbered(i)));
  Client& subscriber = bench.connect(0);
  subscriber.reads = false;
  bench.say(subscriber, subscribe(1, "h/#", R"(,"start":"last_n","last_count":90)"));
  for (int i = 121; i <= 220; ++i) bench.say(publisher, publish("h/a", numbered(i)));
  subscriber.reads = true;
  bench.settle();
  const Texts heard = bench.take(subscriber);
  const Texts came = messages(heard);
  REQUIRE(came.size() > 100);
  const auto replayed = static_cast<int>(came.size()) - 100;
  REQUIRE(replayed < 90);
  Texts expected;
  for (int i = 31; i < 31 + replayed; ++i) expected.push_back(numbered(i));
  for (int i = 121; i <= 220; ++i) expected.push_back(numbered(i));
  CHECK(came == expected);
  const auto end = static_cast<std::size_t>(replayed) + 1;
  CHECK(heard[end] == R"({"snapshot_end":{"subscription":1,"resumed":"gap"}})");
}

TEST_CASE("full: a URL's subscription has the id 0 and is live when the WebSocket opens") {
  FullBench bench;
  Client& publisher = bench.connect(1);
  bench.say(publisher, publish("u/x", "before"));
  Client& client = bench.connect(0, "/topics/u/%2B?last=1");
  Texts heard = bench.take(client);
  REQUIRE(heard.size() == 3);
  CHECK(heard[0] == R"({"subscribed":{"filter":"u/+"}})");
  CHECK(value_of(heard[1], "text") == "before");
  CHECK(heard[2].starts_with(R"({"snapshot_end":)"));
  bench.say(publisher, publish("u/y", "after"));
  CHECK(messages(bench.take(client)) == Texts{"after"});
  CHECK(bench.ask(client, R"({"unsubscribe":{"id":1,"subscription":0}})").size() == 1);
  bench.say(publisher, publish("u/y", "late"));
  CHECK(bench.take(client).empty());
}

TEST_CASE("full: every refusal names its reason, and the connection stays") {
  struct Row {
    std::string request;
    std::string_view code;
    std::string_view field;
  };
  const Row rows[] = {
      {"no json", "malformed", ""},
      {R"({"subscribe":{"id":1,"filter":"a/#/b"}})", "bad_filter", "subscribe.filter"},
      {R"({"subscribe":{"id":1,"filter":"a","start":"resume","resume_token":"x"}})", "bad_value",
       "subscribe.resume_token"},
      {R"({"subscribe":{"id":1,"filter":"a","max_rate_hz":5}})", "bad_value", "subscribe.max_rate_hz"},
      {R"({"change":{"id":1,"subscription":3}})", "unknown_subscription", "change.subscription"},
      {R"({"unsubscribe":{"id":1,"subscription":3}})", "unknown_subscription", "unsubscribe.subscription"},
      {R"({"publish":{"id":1,"topic":"a/+","text":"x"}})", "bad_topic", "publish.topic"},
      {R"({"publish":{"id":2,"topic":"$broker/x","text":"x"}})", "forbidden", "publish.topic"},
      {R"({"publish":{"id":2,"topic":"a","text":"x"}})", "id_not_rising", "publish.id"},
      {R"({"publish":{"id":3,"topic":"a","text":"x","producer_seq":1}})", "bad_value", "publish.producer_seq"},
  };
  FullBench bench;
  Client& client = bench.connect(0);
  for (const Row& row : rows) {
    CAPTURE(row.request);
    const Texts heard = bench.ask(client, row.request);
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].starts_with(R"({"error":)"));
    CHECK(value_of(heard[0], "code") == row.code);
    CHECK(value_of(heard[0], "field") == row.field);
  }
  CHECK(client.close_code == 0);
  CHECK(bench.ask(client, subscribe(1, "a")).size() == 1);
  const Texts again = bench.ask(client, subscribe(1, "b"));
  REQUIRE(again.size() == 1);
  CHECK(value_of(again[0], "code") == "id_in_use");
}

TEST_CASE("full: as many subscriptions as the limit says, and not one more") {
  FullBench::Options options;
  options.config.max_subscriptions = 100;
  FullBench bench(options);
  Client& client = bench.connect(0);
  for (int id = 1; id <= 101; ++id) bench.whisper(client, subscribe(id, "f/" + std::to_string(id)));
  bench.settle();
  const Texts heard = bench.take(client);
  REQUIRE(heard.size() == 101);
  CHECK(std::ranges::count_if(heard, [](const std::string& text) { return text.starts_with(R"({"subscribed":)"); }) ==
        100);
  const auto error =
      std::ranges::find_if(heard, [](const std::string& text) { return text.starts_with(R"({"error":)"); });
  REQUIRE(error != heard.end());
  CHECK(value_of(*error, "code") == "too_many_subscriptions");
  CHECK(value_of(*error, "id") == "101");
  CHECK(bench.ask(client, R"({"unsubscribe":{"id":1,"subscription":50}})").size() == 1);
  CHECK(bench.ask(client, subscribe(101, "f/101")) == Texts{R"({"subscribed":{"id":101,"filter":"f/101"}})"});
}

TEST_CASE("full: a producer that never waits is slowed by not being read, and nothing is lost") {
  FullBench::Options options;
  options.requests_capacity = 16;
  options.deliveries_capacity = 16;
  FullBench bench(options);
  Client& subscriber = bench.connect(1);
  (void)bench.ask(subscriber, subscribe(1, "#"));
  Client& publisher = bench.connect(0);
  constexpr int kCount = 5'000;
  for (int id = 1; id <= kCount; ++id) bench.whisper(publisher, publish("t/" + std::to_string(id % 7), "x", id));
  CHECK(!publisher.unread.empty());  // the rest waits with the connection layer
  bench.settle();
  CHECK(publisher.unread.empty());
  CHECK(bench.take(publisher).size() == kCount);
  CHECK(bench.take(subscriber).size() == kCount);
}

TEST_CASE("full: a batch is published in order, each acknowledged by itself") {
  FullBench::Options options;
  options.requests_capacity = 16;
  FullBench bench(options);
  Client& subscriber = bench.connect(1);
  (void)bench.ask(subscriber, subscribe(1, "b"));
  Client& publisher = bench.connect(0);
  std::string batch = R"({"publish_batch":{"messages":[)";
  for (int id = 1; id <= 200; ++id) {
    batch += (id == 1 ? "" : ",") + (R"({"id":)" + std::to_string(id)) +
             (id == 100 ? R"(,"topic":"b/#","text":"bad"})" : R"(,"topic":"b","text":"x"})");
  }
  const Texts heard = bench.ask(publisher, batch + "]}}");
  REQUIRE(heard.size() == 200);
  CHECK(std::ranges::count_if(heard, [](const std::string& text) { return text.starts_with(R"({"error":)"); }) == 1);
  CHECK(messages(bench.take(subscriber)).size() == 199);
}

TEST_CASE("full: credit is told as it comes back") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  (void)bench.ask(publisher, R"({"hello":{"id":1,"features":["credit"]}})");
  for (int i = 0; i < 256; ++i) bench.say(publisher, publish("t", "x"));
  const Texts heard = bench.take(publisher);
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].starts_with(R"({"credit":{"messages":1280,)"));
}

TEST_CASE("full: a repeat of a producer's number is a duplicate, on the same connection and on the next") {
  FullBench bench;
  Client& subscriber = bench.connect(1);
  (void)bench.ask(subscriber, subscribe(1, "p/#"));
  Client& first = bench.connect(0);
  const Texts welcome = bench.ask(first, R"({"hello":{"id":1}})");
  REQUIRE(welcome.size() == 1);
  const std::string producer = value_of(welcome[0], "producer_id");
  const std::string once = R"("topic":"p/a","text":"once","producer_seq":7}})";
  CHECK(bench.ask(first, R"({"publish":{"id":1,)" + once).size() == 1);
  Texts heard = bench.ask(first, R"({"publish":{"id":2,)" + once);
  REQUIRE(heard.size() == 1);
  CHECK(has(heard[0], R"("duplicate":true)"));
  bench.lose(first);
  bench.settle();

  Client& second = bench.connect(1);
  heard = bench.ask(second, R"({"hello":{"id":1,"producer_id":")" + producer + R"("}})");
  REQUIRE(heard.size() == 1);
  CHECK(value_of(heard[0], "producer_id") == producer);
  CHECK(has(heard[0], R"("producer_resumed":true)"));
  heard = bench.ask(second, R"({"publish":{"id":1,)" + once);
  REQUIRE(heard.size() == 1);
  CHECK(has(heard[0], R"("duplicate":true)"));
  CHECK(messages(bench.take(subscriber)) == Texts{"once"});
}

TEST_CASE("full: a producer that comes back fences its older connection, which is told and closed") {
  FullBench bench;
  Client& old = bench.connect(0);
  const std::string producer = value_of(bench.ask(old, R"({"hello":{"id":1}})").at(0), "producer_id");
  CHECK(bench.ask(old, R"({"publish":{"id":1,"topic":"p","text":"a","producer_seq":1}})").size() == 1);
  bench.now.monotonic = bench.now.monotonic + 1;
  Client& young = bench.connect(1);
  CHECK(bench.ask(young, R"({"hello":{"id":1,"producer_id":")" + producer + R"("}})").size() == 1);
  const Texts heard = bench.take(old);
  REQUIRE(heard.size() == 1);
  CHECK(value_of(heard[0], "code") == "fenced");
  CHECK(old.close_code == 4409);
  CHECK(bench.ask(young, R"({"publish":{"id":1,"topic":"p","text":"b","producer_seq":2}})").size() == 1);
}

TEST_CASE("full: a producer id that this broker did not give is replaced, and says so") {
  FullBench bench;
  Client& client = bench.connect(0);
  const std::string forged(32, 'a');
  const Texts heard = bench.ask(client, R"({"hello":{"id":1,"producer_id":")" + forged + R"("}})");
  REQUIRE(heard.size() == 1);
  CHECK(value_of(heard[0], "producer_id") != forged);
  CHECK(!has(heard[0], "producer_resumed"));
}

TEST_CASE("full: when the broker drains, clients are told, publishes refused, and what was acknowledged delivered") {
  FullBench bench;
  Client& subscriber = bench.connect(0);
  (void)bench.ask(subscriber, subscribe(1, "d"));
  Client& publisher = bench.connect(1);
  CHECK(bench.ask(publisher, publish("d", "acknowledged", 1)).size() == 1);
  bench.drain();
  CHECK(bench.take(publisher).at(0).starts_with(R"({"go_away":)"));
  const Texts heard = bench.ask(publisher, publish("d", "late", 2));
  REQUIRE(heard.size() == 1);
  CHECK(value_of(heard[0], "code") == "draining");
  CHECK(messages(bench.take(subscriber)) == Texts{"acknowledged"});
}

TEST_CASE("full: /ws is for WebSockets that offer a form of the full protocol") {
  FullBench bench;
  CHECK(bench.try_connect(0, "/ws", "ringcast.v1.raw").starts_with("HTTP/1.1 400"));
  CHECK(bench.try_connect(0, "/ws", "mqtt").starts_with("HTTP/1.1 400"));
  CHECK(bench.try_connect(0, "/ws?echo=0", "ringcast.v1.json").starts_with("HTTP/1.1 400"));
  CHECK(bench.try_connect(0, "/topics/a?mode=pub", "ringcast.v1.json").starts_with("HTTP/1.1 400"));
  CHECK(has(bench.try_connect(0, "/ws", "mqtt, ringcast.v1.json, ringcast.v1.proto"),
            "Sec-WebSocket-Protocol: ringcast.v1.json\r\n"));
}

TEST_CASE("full: a kind of frame that the form does not have is closed with 1003") {
  FullBench bench;
  Client& client = bench.connect(0, "/ws", "ringcast.v1.proto");
  bench.say(client, "{}");
  CHECK(client.close_code == 1003);
}

}  // namespace ringcast::broker::test
