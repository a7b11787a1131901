#include "broker/sse_session.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "broker/event_framing.h"
#include "frame/bytes.h"
#include "frame/http_body.h"
#include "tests/broker/event_source.h"
#include "tests/broker/full_bench.h"

namespace ringcast::broker {

namespace {

using test::Client;
using test::EventSource;
using test::FullBench;
using test::StreamEvent;
using Texts = std::vector<std::string>;

// The client's side of a stream: takes the answer apart as it comes.
class Stream {
 public:
  explicit Stream(Client& client) : client_(client) { read(); }

  [[nodiscard]] const std::string& head() const noexcept { return head_; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }  // the body has its end
  EventSource& source() {
    read();
    return source_;
  }
  std::vector<StreamEvent> take() { return source().take_events(); }
  // The data of the messages since; notices are left out.
  Texts messages() {
    Texts texts;
    for (const StreamEvent& event : take()) {
      if (event.type == "message") texts.push_back(event.data);
    }
    return texts;
  }
  const std::string& id() { return source().last_event_id(); }

 private:
  void read() {
    bytes_ += std::exchange(client_.head, {});
    if (head_.empty()) {
      const std::size_t end = bytes_.find("\r\n\r\n");
      if (end == std::string::npos) return;
      head_ = bytes_.substr(0, end + 4);
      bytes_.erase(0, end + 4);
      chunked_ = head_.find("Transfer-Encoding: chunked\r\n") != std::string::npos;
    }
    if (!chunked_) return source_.feed(std::exchange(bytes_, {}));
    std::string_view rest = bytes_;
    while (!rest.empty()) {
      const auto step = body_.next(frame::as_bytes(rest));
      REQUIRE(step.kind != frame::BodyReader::Step::Kind::failed);
      REQUIRE(step.consumed > 0);
      source_.feed(frame::as_text(step.data));
      rest.remove_prefix(step.consumed);
    }
    ended_ = body_.next({}).kind == frame::BodyReader::Step::Kind::done;
    bytes_.clear();
  }

  Client& client_;
  std::string bytes_;
  std::string head_;
  bool chunked_ = false;
  bool ended_ = false;
  frame::BodyReader body_{{.kind = frame::Framing::Kind::chunked, .length = 0}, 1 << 24};
  EventSource source_;
};

std::string get(std::string_view target, std::string_view fields = "", std::string_view version = "1.1") {
  return "GET " + std::string(target) + " HTTP/" + std::string(version) +
         "\r\nHost: localhost\r\nAccept: text/event-stream\r\n" + std::string(fields) + "\r\n";
}

std::string publish(std::string_view topic, std::string_view text) {
  return R"({"publish":{"topic":")" + std::string(topic) + R"(","text":")" + std::string(text) + R"("}})";
}

std::string with_id(const std::string& id) {
  return "Last-Event-ID: " + id + "\r\n";
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Texts types(const std::vector<StreamEvent>& events) {
  Texts types;
  for (const StreamEvent& event : events) types.push_back(event.type);
  return types;
}

}  // namespace

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
  const auto read = read_token(good);
  REQUIRE(read.has_value());
  const auto token = [](const Checkpoint& checkpoint) {
    std::string text;
    append_token(checkpoint, text);
    return text;
  };
  Checkpoint foreign = *read;
  foreign.epoch ^= 1;
  Checkpoint future = *read;
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
      {token(future), "forgotten"},                                   // no position of ours: who knows?
      {token({.epoch = read->epoch, .positions = {}}), "forgotten"},  // says nothing about this topic's home
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

TEST_CASE("sse: a slow reader is told that it lags, and its stream ends well") {
  FullBench::Options options;
  options.config.outbox_max_bytes = 256 * 1024;
  options.config.max_message_bytes = 64 * 1024;
  FullBench bench(options);
  Client& publisher = bench.connect(0);
  Client& slow = bench.request(1, get("/topics/a"));
  Client& healthy_client = bench.request(1, get("/topics/a"));
  Stream healthy(healthy_client);
  slow.reads = false;
  const std::string large(10'000, 'x');
  int published = 0;
  while (bench.shard(1).lag().counters().closed == 0 && published < 1'000) {
    bench.say(publisher, publish("a", large));
    ++published;
    REQUIRE(healthy.messages() == Texts{large});
  }
  REQUIRE(published < 1'000);
  slow.reads = true;
  bench.settle();
  CHECK(bench.shard(1).sessions().find(slow.slot) == nullptr);
}

TEST_CASE("sse: at the end the body has its end, after all that is owed and a reason") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  Client& client = bench.request(1, get("/topics/a"));
  Client& old_client = bench.request(1, get("/topics/a", "", "1.0"));
  Stream stream(client);
  Stream old(old_client);
  bench.whisper(publisher, publish("a", "last words"));
  bench.settle();
  bench.drain();
  for (std::uint32_t shard = 0; shard < 2; ++shard) bench.shard(shard).close_all(bench.now.monotonic);
  bench.settle();
  for (Stream* each : {&stream, &old}) {
    const auto events = each->take();
    REQUIRE(types(events) == Texts{"message", "go_away"});
    CHECK(has(events[1].data, R"("reason":"restart")"));
  }
  CHECK(stream.ended());
}

TEST_CASE("sse: who asks while the broker drains is sent away on a stream, not by a status") {
  FullBench bench;
  bench.drain();
  Client& client = bench.request(0, get("/topics/a"));
  Stream stream(client);
  CHECK(stream.head().starts_with("HTTP/1.1 200 "));
  CHECK(has(stream.head(), "Content-Type: text/event-stream"));
  CHECK(has(stream.head(), "Connection: close"));
  CHECK(types(stream.take()) == Texts{"go_away"});
  CHECK(stream.source().reconnection_time_ms().has_value());
  CHECK(bench.shard(0).sessions().find(client.slot) == nullptr);
}

TEST_CASE("sse: a silent stream has heartbeats, one that gets messages has none") {
  FullBench bench;
  Stream stream(bench.request(0, get("/topics/a")));
  const std::int64_t interval = Config{}.ping_interval_ms;
  const auto wait = [&](std::int64_t ms) {
    bench.now.monotonic = bench.now.monotonic + ms;
    bench.settle();
  };
  wait(interval - 1);
  CHECK(stream.source().comments() == 0);
  wait(TimerWheel::kTickMs);
  CHECK(stream.source().comments() == 1);
  wait(interval - TimerWheel::kTickMs);
  (void)bench.request(1, "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
  wait(interval - TimerWheel::kTickMs);
  CHECK(stream.source().comments() == 1);
  wait(2 * TimerWheel::kTickMs);
  CHECK(stream.source().comments() == 2);
  CHECK(stream.messages() == Texts{"x"});
}

TEST_CASE("sse: a peer that takes nothing for too long is gone; one that takes a little is not") {
  FullBench bench;
  Client& gone = bench.request(0, get("/topics/a"));
  Client& slow = bench.request(0, get("/topics/a"));
  Shard& shard = bench.shard(0);
  shard.blocked(gone.slot);
  shard.blocked(slow.slot);
  const Config config;
  bench.now.monotonic = bench.now.monotonic + config.ping_interval_ms;
  bench.settle();
  shard.unblocked(slow.slot);
  shard.blocked(slow.slot);
  bench.now.monotonic = bench.now.monotonic + config.pong_timeout_ms;
  bench.settle();
  CHECK(shard.sse().counters().peers_lost == 1);
  CHECK(shard.sessions().find(gone.slot) == nullptr);
  CHECK(shard.sessions().find(slow.slot) != nullptr);
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

TEST_CASE("sse: what a client says on a stream is thrown away, up to a limit") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  Client& client = bench.request(0, get("/topics/a"));
  Stream stream(client);
  std::vector<std::uint8_t> noise{'\r', '\n'};
  for (int i = 0; i < SseSession::kReadsIgnoredMax; ++i) {
    CHECK(bench.shard(0).received(client.slot, noise, bench.now.monotonic) == noise.size());
  }
  bench.say(publisher, publish("a", "still here"));
  CHECK(stream.messages() == Texts{"still here"});
  (void)bench.shard(0).received(client.slot, noise, bench.now.monotonic);
  bench.settle();
  CHECK(types(stream.take()) == Texts{"go_away"});
  CHECK(stream.ended());
}

TEST_CASE("sse: what is wrong with a request is refused by its name") {
  struct Row {
    const char* target;
    const char* error;
  };
  const Row rows[] = {
      {"/topics/a?colour=red", "unknown_parameter"}, {"/topics/a?delivery=newest", "bad_parameter"},
      {"/topics/a?rate=5", "bad_parameter"},         {"/topics/a?token=x", "unknown_parameter"},
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

}  // namespace ringcast::broker
