// How a shard ends: who is told what, and when, and that what was acknowledged reaches everybody.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/broker/latest_scene.h"
#include "tests/broker/sse_stream.h"

namespace ringcast::broker::test {

namespace {

constexpr Farewell kPlan{.spread_ms = 100, .within_ms = 700};

void drain_all(FullBench& bench, const Farewell& farewell) {
  for (std::uint32_t i = 0; i < 2; ++i) bench.shard(i).drain(farewell);
  bench.settle();
}

void see_off_all(FullBench& bench, const Farewell& farewell) {
  for (std::uint32_t i = 0; i < 2; ++i) bench.shard(i).see_off(farewell, bench.now.monotonic);
  bench.settle();
}

void pass_time(FullBench& bench, std::int64_t ms) {
  bench.now.monotonic = bench.now.monotonic + ms;
  bench.settle();
}

// The goodbyes among what was heard.
Texts goodbyes(const Texts& heard) {
  Texts texts;
  for (const std::string& json : heard) {
    if (is_kind(json, "go_away")) texts.push_back(json);
  }
  return texts;
}

}  // namespace

TEST_CASE("end: who publishes is told at once, who does not when its turn has come, each once and before its 1012") {
  FullBench bench;
  Client& publisher = bench.connect(0);
  CHECK(bench.ask(publisher, publish("a", "x", 1)).size() == 1);
  std::vector<Client*> subscribers;
  for (int i = 0; i < 9; ++i) subscribers.push_back(&bench.connect(0));
  drain_all(bench, kPlan);
  const Texts told = goodbyes(bench.take(publisher));
  REQUIRE(told.size() == 1);
  CHECK(number_of(told[0], "deadline_ms") == static_cast<std::uint64_t>(Config{}.drain_deadline_ms));
  CHECK(number_of(told[0], "reconnect_after_ms") == 100);
  CHECK(number_of(told[0], "reconnect_within_ms") == 700);
  CHECK(has(told[0], R"("resume":true)"));
  CHECK(publisher.close_code == 0);
  for (Client* each : subscribers) CHECK(bench.take(*each).empty());

  see_off_all(bench, kPlan);
  CHECK(publisher.close_code == 1012);  // its slot is the first
  for (int i = 0; i < 9; ++i) {
    CAPTURE(i);
    CHECK(subscribers[static_cast<std::size_t>(i)]->close_code == 0);
    pass_time(bench, 9);
    CHECK(subscribers[static_cast<std::size_t>(i)]->close_code == 0);
    pass_time(bench, 1);
    CHECK(subscribers[static_cast<std::size_t>(i)]->close_code == 1012);
    const Texts heard = bench.take(*subscribers[static_cast<std::size_t>(i)]);
    REQUIRE(heard.size() == 1);
    CHECK(number_of(heard[0], "reconnect_after_ms") == static_cast<std::uint64_t>(100 - 10 * (i + 1)));
    CHECK(number_of(heard[0], "reconnect_within_ms") == 700);
  }
  CHECK(bench.take(publisher).empty());
}

TEST_CASE("end: who publishes only now is told with the refusal; who was seen off is not told again by haste") {
  FullBench bench;
  Client& client = bench.connect(0);
  Client& other = bench.connect(0);
  drain_all(bench, kPlan);
  const Texts heard = bench.ask(client, publish("a", "late", 1));
  REQUIRE(heard.size() == 2);
  CHECK(is_kind(heard[0], "go_away"));
  CHECK(value_of(heard[1], "code") == "draining");
  CHECK(goodbyes(bench.ask(client, publish("a", "later", 2))).empty());
  see_off_all(bench, kPlan);
  CHECK(other.close_code == 0);
  bench.shard(0).close_all(bench.now.monotonic);
  bench.settle();
  CHECK(client.close_code == 1012);
  CHECK(other.close_code == 1012);
  CHECK(goodbyes(bench.take(client)).empty());
  REQUIRE(goodbyes(bench.take(other)).size() == 1);
  pass_time(bench, 1'000);
  CHECK(bench.shard(0).sessions().live() == 0);
}

TEST_CASE("end: what was acknowledged is heard before the 1012, also of slow paces and by who publishes too late") {
  Scene scene;
  Client& every = scene.connect(1, "/topics/t", "ringcast.v1.json");
  Client& latest_one = scene.connect(1);
  scene.ask(latest_one, latest(1, "t", 1));
  Client& raw = scene.connect(0, "/topics/t", "ringcast.v1.raw");
  scene.publish("t", "one");
  scene.publish("t", "two");
  CHECK(scene.values(every) == Texts{"t=one", "t=two"});
  const Texts first = scene.values(latest_one);
  CHECK((first.empty() || first == Texts{"t=one"}));  // the second has to wait for its tick
  (void)scene.take(raw);
  // On its way when the end comes, and in no outbox yet.
  scene.whisper_publish("t", "three");
  for (std::uint32_t i = 0; i < 2; ++i) scene.shard(i).drain(kPlan);
  scene.write(raw, {.opcode = frame::Opcode::text, .payload_size = 4}, "late");
  scene.settle();
  CHECK(scene.values(latest_one) == Texts{"t=three"});
  CHECK(scene.values(every) == Texts{"t=three"});
  CHECK(scene.take(raw) == Texts{"three"});
  for (const Client* each : {&raw, &every, &latest_one}) CHECK(each->close_code == 0);
  see_off_all(scene, {});
  for (const Client* each : {&raw, &every, &latest_one}) CHECK(each->close_code == 1012);
}

TEST_CASE("end: who takes nothing at the moment is given the newest values before his 1012, while there is time") {
  Scene scene;
  Client& raw = scene.connect(1, "/topics/t?delivery=latest&rate=2", "ringcast.v1.raw");
  Client& full = scene.connect(1);
  scene.ask(full, latest(1, "t", 2));
  Client& stuck = scene.connect(1, "/topics/t?delivery=latest", "ringcast.v1.raw");
  Client& reads = scene.connect(1, "/topics/t?delivery=latest", "ringcast.v1.raw");
  Client& streamed = scene.request(1, get("/topics/t?delivery=latest"));
  Stream stream(streamed);
  for (Client* each : {&raw, &full, &stuck, &reads}) (void)scene.take(*each);
  for (Client* each : {&raw, &full, &stuck, &streamed}) scene.block(*each);
  scene.publish("t", "one");
  scene.publish("t", "two");
  drain_all(scene, kPlan);
  see_off_all(scene, {});
  CHECK(scene.take(reads) == Texts{"one", "two"});
  CHECK(reads.close_code == 1012);

  for (Client* each : {&raw, &full, &streamed}) {
    CHECK(each->close_code == 0);
    scene.unblock(*each);
  }
  CHECK(scene.take(raw) == Texts{"two"});
  const Texts heard = scene.take(full);
  REQUIRE(heard.size() == 2);
  CHECK(is_kind(heard[0], "go_away"));
  CHECK(value_of(heard[1], "text") == "two");
  for (const Client* each : {&raw, &full}) CHECK(each->close_code == 1012);
  const auto events = stream.take();
  REQUIRE(types(events) == Texts{"message", "go_away"});
  CHECK(events[0].data == "two");

  pass_time(scene, Config{}.drain_deadline_ms);
  scene.unblock(stuck);
  CHECK(scene.take(stuck).empty());
  CHECK(stuck.close_code == 1012);
}

TEST_CASE("end: haste closes also those who are still owed newest values") {
  Scene scene;
  Client& raw = scene.connect(1, "/topics/t?delivery=latest", "ringcast.v1.raw");
  (void)scene.take(raw);
  scene.block(raw);
  scene.publish("t", "one");
  drain_all(scene, kPlan);
  see_off_all(scene, {});
  scene.shard(1).close_all(scene.now.monotonic);
  scene.settle();
  scene.unblock(raw);
  CHECK(scene.take(raw).empty());
  CHECK(raw.close_code == 1012);
}

TEST_CASE("end: a shard that sleeps until another's ring has room has not done all") {
  FullBench bench({.deliveries_capacity = 2});
  Client& subscriber = bench.connect(1, "/topics/%23", "ringcast.v1.json");
  (void)bench.take(subscriber);
  Client& publisher = bench.connect(0);
  CHECK(bench.shard(0).has_done_all());
  constexpr std::size_t kPublished = 16;  // some of them have their home there
  for (std::size_t i = 0; i < kPublished; ++i) {
    bench.whisper(publisher, R"({"publish":{"topic":"t)" + std::to_string(i) + R"(","text":"x"}})");
  }
  for (int turns = 0; turns < 20; ++turns) (void)bench.shard(0).turn(bench.now);
  CHECK_FALSE(bench.shard(0).busy());
  CHECK_FALSE(bench.shard(0).must_not_sleep());
  CHECK_FALSE(bench.shard(0).has_done_all());
  bench.settle();
  CHECK(bench.take(subscriber).size() == kPublished);
  for (std::uint32_t i = 0; i < 2; ++i) CHECK(bench.shard(i).has_done_all());
}

TEST_CASE("end: an event stream is told when to come back: not before all have gone, at random within the window") {
  FullBench bench;
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 10; ++i) streams.push_back(std::make_unique<Stream>(bench.request(0, get("/topics/a"))));
  drain_all(bench, kPlan);
  see_off_all(bench, kPlan);
  CHECK(types(streams[9]->take()).empty());
  pass_time(bench, 100);
  std::uint64_t lowest = UINT64_MAX;
  std::uint64_t highest = 0;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    CHECK(types(streams[i]->take()) == Texts{"go_away"});
    CHECK(streams[i]->ended());
    const std::uint64_t retry = streams[i]->source().reconnection_time_ms().value_or(0);
    const std::uint64_t after = kRetryMinMs;  // those that leave earlier wait for the others, too
    CHECK(retry >= after);
    CHECK(retry <= after + 100 + 700);
    lowest = std::min(lowest, retry);
    highest = std::max(highest, retry);
  }
  CHECK(highest > lowest + 100);
}

TEST_CASE("end: a body that comes after the end began is refused, as is an upgrade on a connection that was kept") {
  FullBench bench;
  Client& post = bench.request(0, "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n");
  Client& kept = bench.request(0, "GET /topics/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(kept.head.starts_with("HTTP/1.1 404 "));
  drain_all(bench, kPlan);
  bench.write_bytes(post, "late");
  kept.head.clear();
  bench.write_bytes(kept, "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
  bench.settle();
  for (const Client* each : {&post, &kept}) {
    CHECK(each->head.starts_with("HTTP/1.1 503 "));
    CHECK(has(each->head, "Retry-After: "));
    CHECK(has(each->head, R"("error":"draining")"));
  }
  see_off_all(bench, {});
  CHECK(bench.shard(0).sessions().live() == 0);
}

}  // namespace ringcast::broker::test
