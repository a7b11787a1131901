// What operators ask, from the request to the shard and back: Queries, Inquiries and Attendant together.
#include "broker/io/attendant.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "broker/queries.h"
#include "tests/broker/connections_bench.h"

using namespace ringcast;
using namespace ringcast::broker;
using namespace ringcast::broker::test;

namespace {

// One shard of sockets that take everything, and the operators' side.
struct AttendantBench {
  explicit AttendantBench(const Config& config = {}) : bench({.config = config}) {}

  ConnectionsBench bench;
  std::vector<Inquiries> inquiries{1};
  io::Attendant attendant{*bench.shard, *bench.connections, bench.mesh, inquiries[0]};
  Queries queries{inquiries};
  std::vector<Answered> answered;
  std::uint32_t turns = 0;  // that the last question took

  SlotId connect(std::string_view path) {
    const SlotId slot = bench.connect();
    bench.receive(slot, upgrade_request(path));
    bench.settle();
    REQUIRE(bench.take_sent().starts_with("HTTP/1.1 101 "));
    return slot;
  }
  void publish(SlotId slot, std::string_view payload) {
    bench.receive(slot, client_frame(frame::Opcode::text, payload));
    bench.settle();
  }
  void begin(AdminRequest request) { queries.begin(1, std::move(request)); }
  // One turn of the shard, then of the operators.
  std::optional<std::string> turn() {
    ++turns;
    (void)attendant.turn({}, bench.now);
    bench.settle();
    (void)queries.turn(bench.now.monotonic, answered);
    if (answered.empty()) return std::nullopt;
    std::string body = answered.front().answer.body;
    answered.clear();
    return body;
  }
  std::string finish() {
    turns = 0;
    (void)queries.turn(bench.now.monotonic, answered);
    for (int i = 0; i < 1'000; ++i) {
      if (auto body = turn()) return *std::move(body);
    }
    FAIL("no answer");
    return "";
  }
  std::string ask(AdminRequest request) {
    begin(std::move(request));
    return finish();
  }
};

std::size_t occurrences(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

std::string next_of(const std::string& body) {
  const std::size_t at = body.find("\"next\":\"");
  return at == std::string::npos ? "" : body.substr(at + 8, body.find('"', at + 8) - at - 8);
}

}  // namespace

TEST_CASE("connections are found by kind, filter and topic") {
  AttendantBench bench;
  (void)bench.connect("/topics/a/b");
  (void)bench.connect("/topics/a/%23");
  (void)bench.connect("/topics/c");
  (void)bench.bench.connect();  // has not said anything
  const auto count = [&](ConnectionsQuery query) {
    query.limit = 100;
    return occurrences(bench.ask(GetConnections{.query = query}), "\"id\":");
  };
  CHECK(count({}) == 4);
  CHECK(count({.kinds = 1U << static_cast<unsigned>(ConnectionKind::raw)}) == 3);
  CHECK(count({.kinds = 1U << static_cast<unsigned>(ConnectionKind::http)}) == 1);
  CHECK(count({.filter = "a/#"}) == 1);
  CHECK(count({.topic = "a/b"}) == 2);
  CHECK(count({.topic = "c"}) == 1);
  CHECK(count({.topic = "d"}) == 0);
  CHECK(count({.peer = "192.0.2."}) == 0);
}

TEST_CASE("connections come in pages, each that stays once, though others come and go between them") {
  AttendantBench bench;
  std::vector<SlotId> slots;
  for (int i = 0; i < 300; ++i) slots.push_back(bench.connect("/topics/a"));
  std::string after;
  std::vector<std::string> seen;
  for (int page = 0; page < 20; ++page) {
    GetConnections get{.query = {.limit = 37}};
    if (!after.empty()) get.query.from = parse_connection_id(after)->slot.index + 1;
    const std::string body = bench.ask(get);
    for (std::size_t at = body.find("\"id\":\""); at != std::string::npos; at = body.find("\"id\":\"", at + 1))
      seen.push_back(body.substr(at + 6, body.find('"', at + 6) - at - 6));
    after = next_of(body);
    if (after.empty()) break;
    // One that was seen goes and another one comes.
    bench.bench.end_of_stream(slots[static_cast<std::size_t>(page)]);
    bench.bench.settle();
    (void)bench.connect("/topics/b");
  }
  CHECK(after.empty());
  for (std::size_t i = 20; i < slots.size(); ++i) {
    CHECK(std::ranges::count(seen, connection_id(0, slots[i])) == 1);
  }
}

TEST_CASE("a walk over many connections takes many turns, and looks at a bounded number in each") {
  AttendantBench bench;
  for (int i = 0; i < 600; ++i) (void)bench.connect("/topics/a");
  CHECK(occurrences(bench.ask(GetConnections{.query = {.limit = 1'000, .topic = "none"}}), "\"id\":") == 0);
  CHECK(bench.turns >= 2);
  CHECK(occurrences(bench.ask(GetConnections{.query = {.limit = 1'000}}), "\"id\":") == 600);
  CHECK(bench.turns >= 600 / io::Attendant::kPeerLookups);
}

TEST_CASE("those who owe most are the worst, and told first") {
  AttendantBench bench;
  const SlotId publisher = bench.connect("/topics/a?mode=pub");
  std::vector<SlotId> slots;
  for (int i = 0; i < 5; ++i) slots.push_back(bench.connect("/topics/a"));
  bench.bench.backend.room = 0;  // nobody takes anything any more
  for (int i = 0; i < 3; ++i) bench.publish(publisher, "0123456789");
  slots.push_back(bench.bench.connect());
  const std::string body = bench.ask(GetConnections{.query = {.limit = 3, .by_lag = true}});
  CHECK(occurrences(body, "\"id\":") == 3);
  CHECK(occurrences(body, "\"owed_bytes\":36") == 3);  // 3 × (10 + 2)
  CHECK(next_of(body).empty());
  const std::string one = bench.ask(GetConnection{{.shard = 0, .slot = slots[2]}});
  CHECK(one.find("\"waits\":true") != std::string::npos);
  CHECK(one.find("\"filter\":\"a\"") != std::string::npos);
}

TEST_CASE("a connection is closed with the code and reason that were asked for, once") {
  AttendantBench bench;
  const SlotId slot = bench.connect("/topics/a");
  CloseConnection close{.connection = {.shard = 0, .slot = slot}, .code = 4242, .reason = "enough"};
  CHECK(bench.ask(close).find("\"code\":4242") != std::string::npos);
  CHECK(bench.bench.take_sent() == std::string("\x88\x08\x10\x92") + "enough");
  CHECK(bench.ask(close).find("no_connection") != std::string::npos);
  close.connection.slot = {.index = slot.index, .generation = slot.generation + 1};
  CHECK(bench.ask(close).find("no_connection") != std::string::npos);
  close.connection.shard = 7;
  CHECK(bench.ask(close).find("no_connection") != std::string::npos);
}

TEST_CASE("topics tell their newest message, their subscribers and, when asked again, their rate") {
  AttendantBench bench;
  const SlotId a = bench.connect("/topics/a?mode=pub");
  const SlotId b = bench.connect("/topics/b/c?mode=pub");
  (void)bench.connect("/topics/a");
  (void)bench.connect("/topics/%23");
  bench.publish(a, "one");
  bench.publish(b, "two");
  bench.publish(b, "three");
  std::string body = bench.ask(GetTopics{.query = {.filter = "#", .limit = 10}});
  CHECK(body.find(R"({"topic":"a","seq":1,"shard":0,"rate_per_s":null,"subscribers":2,"last":{"op":"set",)") !=
        std::string::npos);
  CHECK(body.find(R"({"topic":"b/c","seq":2,"shard":0,"rate_per_s":null,"subscribers":1,"last":{"op":"set",)"
                  R"("format":"text","payload_bytes":5,)") != std::string::npos);
  CHECK(body.find(R"("more":false)") != std::string::npos);
  bench.bench.now.monotonic = bench.bench.now.monotonic + 1'000;
  for (int i = 0; i < 4; ++i) bench.publish(b, "more");
  body = bench.ask(GetTopics{.query = {.filter = "#", .limit = 1}, .by_rate = true});
  CHECK(body.find(R"("topic":"b/c","seq":6,"shard":0,"rate_per_s":4,)") != std::string::npos);
  CHECK(body.find(R"("more":true)") != std::string::npos);
}

TEST_CASE("topics come in pages in the order of names, those that stay once") {
  AttendantBench bench;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "t/" + std::to_string(100 + i);
    bench.publish(bench.connect("/topics/" + name + "?mode=pub"), "x");
  }
  std::string after;
  std::string all;
  for (int page = 0; page < 20; ++page) {
    const std::string body = bench.ask(GetTopics{.query = {.filter = "t/+", .after = after, .limit = 9}});
    all += body;
    after = next_of(body);
    if (after.empty()) break;
  }
  for (int i = 0; i < 100; ++i) CHECK(occurrences(all, "\"t/" + std::to_string(100 + i) + "\",\"seq\"") == 1);
  CHECK(occurrences(bench.ask(GetTopics{.query = {.filter = "#", .prefix = "t/11", .limit = 50}}), "\"seq\"") == 10);
}

TEST_CASE("who is closed for being slow is remembered with how far behind it was") {
  Config config;
  config.outbox_max_bytes = 128 * kKiB;
  AttendantBench bench(config);
  const SlotId publisher = bench.connect("/topics/a?mode=pub");
  const SlotId slow = bench.connect("/topics/a");
  bench.bench.backend.room = 0;
  const std::string payload(100, 'x');
  for (int i = 0; i < 5'000 && bench.bench.shard->lag().counters().closed == 0; ++i) bench.publish(publisher, payload);
  REQUIRE(bench.bench.shard->lag().counters().closed == 1);
  CHECK(bench.bench.shard->slow().unnamed());
  bench.attendant.name_slow(77);
  CHECK_FALSE(bench.bench.shard->slow().unnamed());
  const std::string body = bench.ask(GetSlow{});
  CHECK(body.find("\"id\":\"" + connection_id(0, slow) + "\",\"kind\":\"raw\"") != std::string::npos);
  CHECK(body.find(R"("closed_us":77,"why":"size")") != std::string::npos);
  CHECK(body.find(R"("filter":"a")") != std::string::npos);
}

TEST_CASE("a call whose shard is silent fails in time; the shard gets the next one when it is back") {
  AttendantBench bench;
  (void)bench.connect("/topics/a");
  bench.begin(GetSlow{});
  (void)bench.queries.turn(bench.bench.now.monotonic, bench.answered);
  bench.bench.now.monotonic = bench.bench.now.monotonic + (Queries::kPatienceMs - 1);
  (void)bench.queries.turn(bench.bench.now.monotonic, bench.answered);
  CHECK(bench.answered.empty());
  CHECK(bench.queries.next_deadline() == bench.bench.now.monotonic + 1);
  bench.bench.now.monotonic = bench.bench.now.monotonic + 1;
  (void)bench.queries.turn(bench.bench.now.monotonic, bench.answered);
  REQUIRE(bench.answered.size() == 1);
  CHECK(bench.answered.front().answer.status == 503);
  CHECK(bench.answered.front().answer.body.find("shard 0 did not answer") != std::string::npos);
  bench.answered.clear();
  CHECK(occurrences(bench.ask(GetConnections{.query = {.limit = 5}}), "\"id\":") == 1);
}

TEST_CASE("a call that nobody waits for is not answered, and does not hold up the next") {
  AttendantBench bench;
  bench.begin(GetSlow{});
  bench.queries.forget(1);
  bench.queries.begin(2, GetSlow{});
  CHECK(bench.finish() == "{\"slow\":[]}\n");
}

TEST_CASE("a value of the broker's own is published by its home, and never counts for the limit of topics") {
  AttendantBench bench;
  const SlotId reader = bench.connect("/topics/%24broker/stats");
  OwnValue& own = bench.inquiries[0].own_value;
  own.topic = "$broker/stats";
  own.hash = topics::hash_name(kBenchKey, own.topic);
  own.payload = "{}";
  bench.inquiries[0].ask(Inquiries::Part::own_value);
  CHECK(bench.attendant.turn({}, bench.bench.now));
  bench.bench.settle();
  CHECK(own.published);
  CHECK(bench.bench.take_sent() == std::string("\x81\x02") + "{}");
  CHECK(bench.bench.shard->home().home().last("$broker/stats") != nullptr);
  CHECK(bench.bench.shard->home().counters().published == 0);
  static_cast<void>(reader);
}

TEST_CASE("a sample says what the shard has done") {
  AttendantBench bench;
  const SlotId publisher = bench.connect("/topics/a?mode=pub");
  (void)bench.connect("/topics/a");
  (void)bench.connect("/topics/+");
  bench.publish(publisher, "12345");
  bench.inquiries[0].ask(Inquiries::Part::sample);
  CHECK(bench.attendant.turn({.turns = 8, .wakes = 9}, bench.bench.now));
  const Sample& sample = bench.inquiries[0].sample;
  CHECK(sample.connections == 3);
  CHECK(sample.connections_by_kind[static_cast<std::size_t>(ConnectionKind::raw)] == 3);
  CHECK(sample.subscriptions == 2);
  CHECK(sample.filters == 2);
  CHECK(sample.topics == 1);
  CHECK(sample.published_messages == 1);
  CHECK(sample.published_bytes == 5);
  CHECK(sample.delivered_messages == 2);
  CHECK(sample.turns == 8);
  CHECK(sample.wakes == 9);
  CHECK(sample.sent_bytes > 0);
  CHECK(bench.bench.shard->latency().due());
}
