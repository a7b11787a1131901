#include "broker/io/connections.h"

#include <doctest/doctest.h>
#include <string>

#include "tests/broker/connections_bench.h"

using namespace ringcast;
using namespace ringcast::broker;
using namespace ringcast::broker::test;
using io::OperationKind;

namespace {

constexpr const char* kGet = "GET /topics/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

// A connection on which a WebSocket is open; its 101 is sent and forgotten.
SlotId open_websocket(ConnectionsBench& bench, std::string_view path) {
  const SlotId slot = bench.connect();
  bench.receive(slot, upgrade_request(path));
  bench.settle();
  REQUIRE(bench.take_sent().starts_with("HTTP/1.1 101 "));
  return slot;
}

std::string text_frame(std::string_view payload) {
  REQUIRE(payload.size() <= 125);
  return std::string{'\x81', static_cast<char>(payload.size())} + std::string(payload);
}

}  // namespace

TEST_CASE("a peer that has closed its side still gets the answer to its request") {
  ConnectionsBench bench({});
  const SlotId slot = bench.connect();
  bench.receive(slot, kGet);
  bench.end_of_stream(slot);
  bench.settle();
  CHECK(bench.take_sent().starts_with("HTTP/1.1 404 "));
  CHECK(bench.connections->open() == 0);
  CHECK(bench.count(OperationKind::shutdown_write) == 1);
}

TEST_CASE("a peer that closes its side while the answer waits for the socket still gets all of it") {
  ConnectionsBench bench({});
  bench.backend.room = 5;
  const SlotId slot = bench.connect();
  bench.receive(slot, kGet);
  bench.settle();
  CHECK(bench.take_sent() == "HTTP/");
  bench.end_of_stream(slot);
  bench.settle();
  REQUIRE(bench.count(OperationKind::send) == 1);
  bench.finish_send(slot);
  bench.settle();
  CHECK(bench.take_sent().starts_with("1.1 404 "));
  CHECK(bench.connections->open() == 0);
}

TEST_CASE("a peer that sends a close frame and closes its side gets a close frame") {
  ConnectionsBench bench({});
  const SlotId slot = open_websocket(bench, "/topics/a");
  bench.receive(slot, client_frame(frame::Opcode::close, "\x03\xe8"));
  bench.end_of_stream(slot);
  bench.settle();
  CHECK(bench.take_sent() == "\x88\x02\x03\xe8");
  CHECK(bench.connections->open() == 0);
}

TEST_CASE("who publishes and closes in one receive hears itself before the close frame, also when its side is closed") {
  for (const bool finished : {false, true}) {
    ConnectionsBench bench({});
    const SlotId slot = open_websocket(bench, "/topics/a");
    bench.receive(slot, client_frame(frame::Opcode::text, "one") + client_frame(frame::Opcode::ping, "two") +
                            client_frame(frame::Opcode::close, "\x03\xe8"));
    if (finished) bench.end_of_stream(slot);
    bench.settle();
    CHECK(bench.take_sent() == "\x8a\x03two" + text_frame("one") + "\x88\x02\x03\xe8");
    if (!finished) bench.end_of_stream(slot);
    bench.settle();
    CHECK(bench.connections->open() == 0);
  }
}

TEST_CASE("who publishes and breaks a rule in one receive hears itself before the close frame, and nothing later") {
  ConnectionsBench bench({});
  const SlotId slot = open_websocket(bench, "/topics/a");
  bench.receive(slot, client_frame(frame::Opcode::text, "one") + client_frame(frame::Opcode{3}, "") +
                          client_frame(frame::Opcode::text, "two"));
  bench.receive(slot, client_frame(frame::Opcode::text, "three"));
  bench.settle();
  const std::string sent = bench.take_sent();
  REQUIRE(sent.starts_with(text_frame("one") + "\x88"));
  CHECK(sent.substr(text_frame("one").size() + 2).starts_with("\x03\xea"));  // 1002
  CHECK_FALSE(
      sent.contains("t"
                    "wo"));
  CHECK_FALSE(sent.contains("three"));
}

TEST_CASE("who publishes what is refused and closes in one receive is told of the refusal") {
  Config config;
  config.topics_max = 1;
  ConnectionsBench bench({.config = config});
  const SlotId first = open_websocket(bench, "/topics/a?mode=pub");
  bench.receive(first, client_frame(frame::Opcode::text, "the one topic"));
  const SlotId second = open_websocket(bench, "/topics/b?mode=pub");
  bench.receive(second,
                client_frame(frame::Opcode::text, "one too many") + client_frame(frame::Opcode::close, "\x03\xe8"));
  bench.settle();
  const std::string sent = bench.take_sent();
  REQUIRE(sent.size() > 4);
  CHECK(sent.starts_with("\x88"));
  CHECK(sent.substr(2, 2) == "\x03\xf5");  // 1013
}

TEST_CASE("three pings in one receive are answered in their order") {
  ConnectionsBench bench({});
  const SlotId slot = open_websocket(bench, "/topics/a");
  bench.receive(slot, client_frame(frame::Opcode::ping, "1") + client_frame(frame::Opcode::ping, "2") +
                          client_frame(frame::Opcode::ping, "3"));
  bench.settle();
  CHECK(bench.take_sent() ==
        "\x8a\x01"
        "1\x8a\x01"
        "2\x8a\x01"
        "3");
}

TEST_CASE("last values that wait for a full socket are pulled when an armed send has emptied the outbox") {
  ConnectionsBench bench({});
  const std::string large(20'000, 'x');  // two do not fit into one chunk
  for (const char* topic : {"a", "b"}) {
    const SlotId publisher = open_websocket(bench, std::string("/topics/") + topic + "?mode=pub");
    bench.receive(publisher, client_frame(frame::Opcode::text, large));
    bench.settle();
  }
  const SlotId subscriber = bench.connect();
  bench.receive(subscriber, upgrade_request("/topics/%23?last=1"));
  bench.backend.room = 500;  // the 101 and some of the first value
  bench.settle();
  REQUIRE(bench.count(OperationKind::send) == 1);
  bench.backend.room = SIZE_MAX;
  bench.finish_send(subscriber);
  bench.settle();
  const std::string sent = bench.take_sent();
  CHECK(sent.size() > 2 * large.size());
  CHECK(sent.size() < 2 * large.size() + 500);
}

TEST_CASE("what a flush asks of a home is shown to it before the shard sleeps") {
  // Chunks of last values are asked for when the connection has sent what it owed: after the shard's turn.
  ConnectionsBench bench({});
  const std::string large(20'000, 'x');
  for (const char* topic : {"a", "b", "c"}) {
    const SlotId publisher = open_websocket(bench, std::string("/topics/") + topic + "?mode=pub");
    bench.receive(publisher, client_frame(frame::Opcode::text, large));
    bench.settle();
  }
  const SlotId subscriber = bench.connect();
  bench.receive(subscriber, upgrade_request("/topics/%23?last=1"));
  bench.settle();
  CHECK(bench.take_sent().size() > 3 * large.size());
}

TEST_CASE("a connection that the flush finds lost is closed before the shard sleeps") {
  ConnectionsBench bench({});
  const SlotId publisher = open_websocket(bench, "/topics/a");
  bench.receive(publisher, client_frame(frame::Opcode::close, ""));
  bench.end_of_stream(publisher);
  bench.settle();
  CHECK(bench.connections->open() == 0);
  CHECK(bench.shard->sessions().live() == 0);
}

TEST_CASE("a subscriber hears what is published, itself included") {
  ConnectionsBench bench({});
  const SlotId one = open_websocket(bench, "/topics/a");
  (void)open_websocket(bench, "/topics/a");
  bench.receive(one, client_frame(frame::Opcode::text, "hello"));
  bench.settle();
  CHECK(bench.take_sent() == text_frame("hello") + text_frame("hello"));
}

TEST_CASE("an upgrade that times out behind an unsent answer does not touch what is being sent") {
  Config config;
  ConnectionsBench bench({.config = config, .shards = 2});
  bench.backend.room = 5;
  const SlotId slot = bench.connect();
  bench.receive(slot, "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
  bench.turn();
  REQUIRE(bench.count(OperationKind::send) == 1);       // of the rest of the 404
  bench.receive(slot, upgrade_request("/topics/%23"));  // shard 1 never answers
  bench.turn();
  bench.now.monotonic = bench.now.monotonic + config.handshake_timeout_ms + 100;
  bench.turn();
  bench.finish_send(slot);
  bench.end_of_stream(slot);
  bench.settle();
  CHECK(bench.take_sent().starts_with("HTTP/1.1 404 "));
  CHECK(bench.connections->open() == 0);
}

TEST_CASE("an upgrade that times out is told so") {
  Config config;
  ConnectionsBench bench({.config = config, .shards = 2});
  const SlotId slot = bench.connect();
  bench.receive(slot, upgrade_request("/topics/%23"));  // shard 1 never answers
  bench.turn();
  CHECK(bench.take_sent().empty());
  bench.now.monotonic = bench.now.monotonic + config.handshake_timeout_ms + 100;
  bench.turn();
  CHECK(bench.take_sent().starts_with("HTTP/1.1 503 "));
}

TEST_CASE("the late end of a GET is not taken for an answer to the subscription that follows it") {
  // The home's answer to GET is a value and an end. The client asks for more between the two.
  ConnectionsBench bench({.shards = 2});
  const std::string topic = [] {  // of which shard 1 is the home
    for (char c = 'a';; ++c) {
      if (topics::owner(topics::hash_name(kBenchKey, std::string(1, c)), 2) == 1) return std::string(1, c);
    }
  }();
  const SlotId slot = bench.connect();
  bench.receive(slot, "GET /topics/" + topic + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  bench.turn();
  Queue<Request>& asked = bench.mesh.requests(0, 1);
  REQUIRE(asked.front() != nullptr);
  const Request pull = *asked.front();
  asked.pop();
  topics::MessagePool pool;
  topics::Message* const value = pool.make({.topic = topic});
  Queue<Delivery>& answers = bench.mesh.deliveries(1, 0);
  const Delivery answer{.kind = Delivery::Kind::snapshot, .ticket = pull.ticket, .slot = pull.slot, .message = value};
  REQUIRE(answers.push(answer));
  answers.flush();
  bench.turn();
  CHECK(bench.take_sent().starts_with("HTTP/1.1 200 "));
  bench.receive(slot, upgrade_request("/topics/" + topic));
  bench.turn();
  REQUIRE(answers.push({.kind = Delivery::Kind::snapshot_end, .ticket = pull.ticket, .slot = pull.slot}));
  answers.flush();
  bench.turn();
  REQUIRE(asked.front() != nullptr);
  const Request subscribe = *asked.front();
  CHECK(subscribe.kind == Request::Kind::subscribe);
  REQUIRE(answers.push({.kind = Delivery::Kind::marker, .ticket = subscribe.ticket, .slot = subscribe.slot}));
  answers.flush();
  bench.turn();
  CHECK(bench.take_sent().starts_with("HTTP/1.1 101 "));
  pool.release(value);
}

TEST_CASE("a large message's memory is given back when it is published, not when the next byte comes") {
  ConnectionsBench bench({});
  const SlotId slot = open_websocket(bench, "/topics/a?mode=pub");
  const std::string frame = client_frame(frame::Opcode::binary, std::string(100'000, 'x'));
  bench.receive(slot, std::string_view(frame).substr(0, 50'000));
  bench.settle();
  CHECK(bench.shard->sessions().find(slot)->parser.heap_size() > 50'000 - 20);
  bench.receive(slot, std::string_view(frame).substr(50'000));
  bench.settle();
  CHECK(bench.shard->sessions().find(slot)->parser.heap_size() == 0);
}

TEST_CASE("no home's deliveries wait for ever behind those of others") {
  // Each turn drains so many bytes in all, 10,000 here: who is first in one turn is not first in the next.
  ConnectionsBench bench({.config = {.outbox_max_bytes = 80'000}, .shards = 4, .deliveries_capacity = 16});
  topics::MessagePool pool;
  const std::vector<std::uint8_t> payload(1'000);
  topics::Message* const message = pool.make({.topic = "a", .payload = payload});
  std::vector<std::size_t> passed(4);
  for (int turn = 0; turn < 8; ++turn) {
    for (std::uint32_t origin = 1; origin < 4; ++origin) {
      Queue<Delivery>& ring = bench.mesh.deliveries(origin, 0);
      ring.reclaim([&](const Delivery&) { ++passed[origin]; });
      while (ring.room() > 0) (void)ring.push({.topic = {.index = 0}, .message = message});
      ring.flush();
    }
    bench.turn();
  }
  for (std::uint32_t origin = 1; origin < 4; ++origin) CHECK(passed[origin] > 0);
  pool.release(message);
}
