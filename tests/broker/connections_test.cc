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
