// How event streams end, and how they are kept from it: slow readers, silence, a broker that drains.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "broker/sse_session.h"
#include "tests/broker/sse_stream.h"

namespace ringcast::broker::test {

namespace {}  // namespace

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

}  // namespace ringcast::broker::test
