#include <doctest/doctest.h>
#include <string>

#include "broker/io/connections.h"
#include "tests/broker/connections_bench.h"
#include "tests/io/tls_rig.h"

using namespace ringcast;
using namespace ringcast::broker;
using namespace ringcast::broker::test;
using io::OperationKind;
using io::test::TlsClient;

namespace {

constexpr const char* kGet = "GET /topics/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

// A shard with a TLS listener, whose connections the test makes.
struct TlsBench {
  explicit TlsBench(const io::TlsShard::Limits& limits = {}, const Config& config = {}) : bench({.config = config}) {
    static io::test::Files files;
    static const io::TlsTexts texts = io::test::texts_of(io::test::plain_settings(files));
    bench.use_tls(std::make_unique<io::TlsShard>(io::test::context_of(texts), limits));
  }

  // What the broker says to what `client` says, until both are silent; all of it belongs to this one connection.
  void talk(SlotId slot, TlsClient& client) {
    for (int rounds = 0; rounds < 10; ++rounds) {
      if (const std::string said = client.take(); !said.empty()) bench.receive(slot, said);
      bench.settle();
      const std::string answer = bench.take_sent();
      if (answer.empty()) return;
      client.give(answer);
      (void)client.handshake();
    }
  }

  SlotId connect(TlsClient& client) {
    const SlotId slot = bench.connect_tls();
    (void)client.handshake();
    talk(slot, client);
    REQUIRE(client.handshake());
    return slot;
  }

  // The same, and a WebSocket on it.
  SlotId open_websocket(TlsClient& client, std::string_view path) {
    const SlotId slot = connect(client);
    client.write(upgrade_request(path));
    talk(slot, client);
    REQUIRE(client.read().starts_with("HTTP/1.1 101 "));
    return slot;
  }

  [[nodiscard]] io::TlsShard& tls() { return *bench.connections->tls(); }

  ConnectionsBench bench;
};

std::string text_frame(std::string_view payload) {
  return std::string{'\x81', static_cast<char>(payload.size())} + std::string(payload);
}

}  // namespace

TEST_CASE("a request over TLS gets its answer, the end is said, and the socket closes after the peer") {
  TlsBench scene;
  TlsClient client({});
  const SlotId slot = scene.connect(client);
  client.write(kGet);
  scene.talk(slot, client);
  CHECK(client.read().starts_with("HTTP/1.1 404 "));
  CHECK(client.closed);  // close_notify came behind it
  CHECK(scene.bench.count(OperationKind::shutdown_write) == 1);
  CHECK(scene.bench.count(OperationKind::close) == 0);
  scene.bench.end_of_stream(slot);
  scene.bench.settle();
  CHECK(scene.bench.count(OperationKind::close) == 1);
}

TEST_CASE("a WebSocket over TLS is closed in order: close frame, close_notify, FIN") {
  TlsBench scene;
  TlsClient client({});
  const SlotId slot = scene.open_websocket(client, "/topics/a");
  client.write(client_frame(frame::Opcode::text, "hello"));
  scene.talk(slot, client);
  CHECK(client.read() == text_frame("hello"));
  client.write(client_frame(frame::Opcode::close, "\x03\xe8"));
  scene.talk(slot, client);
  CHECK(client.read() == "\x88\x02\x03\xe8");
  CHECK(client.closed);
  CHECK(scene.bench.count(OperationKind::shutdown_write) == 1);
}

TEST_CASE("a peer that says close_notify has closed its side, and gets the answer to its request") {
  TlsBench scene;
  TlsClient client({});
  const SlotId slot = scene.connect(client);
  client.write(kGet);
  (void)SSL_shutdown(client.ssl());
  scene.bench.receive(slot, client.take());
  scene.bench.settle();
  client.give(scene.bench.take_sent());
  CHECK(client.read().starts_with("HTTP/1.1 404 "));
  scene.bench.end_of_stream(slot);  // what becomes of the receive that was cancelled
  scene.bench.settle();
  CHECK(scene.bench.connections->open() == 0);
}

TEST_CASE("a blocked connection owns one sealed record, all else can still be replaced") {
  TlsBench scene;
  TlsClient client({});
  const SlotId slot = scene.open_websocket(client, "/topics/a");
  scene.bench.backend.room = 1000;
  const std::string payload(3000, 'x');
  std::size_t published = 0;
  for (int i = 0; i < 40; ++i) {
    client.write(client_frame(frame::Opcode::binary, payload));
    scene.bench.receive(slot, client.take());
    scene.bench.turn();
    published += payload.size();
  }
  CHECK(scene.bench.count(OperationKind::poll_out) == 0);
  REQUIRE(scene.bench.count(OperationKind::send) == 1);
  std::size_t armed = 0;
  for (const io::Operation& operation : scene.bench.operations) {
    if (operation.kind == OperationKind::send) armed = operation.data.size();
  }
  CHECK(armed + 1000 <= io::kTlsSealedBytesMax);
  CHECK(scene.bench.shard->sessions().at(slot.index).outbox.owed_bytes() + io::kTlsSealedBytesMax > published);
  scene.bench.backend.room = SIZE_MAX;
  scene.bench.finish_send(slot);
  scene.bench.settle();
  client.give(scene.bench.take_sent());
  CHECK(client.read().size() == published + 40 * 4);
  CHECK_FALSE(client.failed);
}

TEST_CASE("who is blocked while it closes hears everything, then the end") {
  TlsBench scene;
  TlsClient client({});
  const SlotId slot = scene.connect(client);
  scene.bench.backend.room = 5;
  client.write(kGet);
  scene.bench.receive(slot, client.take());
  scene.bench.settle();
  REQUIRE(scene.bench.count(OperationKind::send) == 1);
  CHECK(scene.bench.count(OperationKind::shutdown_write) == 0);
  scene.bench.backend.room = SIZE_MAX;
  scene.bench.finish_send(slot);
  scene.bench.settle();
  client.give(scene.bench.take_sent());
  CHECK(client.read().starts_with("HTTP/1.1 404 "));
  CHECK(client.closed);
  CHECK(scene.bench.count(OperationKind::shutdown_write) == 1);
}

TEST_CASE("a turn takes some steps of handshakes, the others wait in their order") {
  TlsBench scene;
  constexpr std::size_t kClients = io::TlsShard::kStepsPerTurn + 2;
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<TlsClient>(io::test::ClientOptions{}));
    (void)clients.back()->handshake();
    scene.bench.receive(scene.bench.connect_tls(), clients.back()->take());
  }
  const auto answered = [&] { return scene.bench.connections->counters().sends; };
  scene.bench.turn();
  CHECK(answered() == io::TlsShard::kStepsPerTurn);
  CHECK(scene.bench.connections->next_deadline() <= scene.bench.now.monotonic);
  scene.bench.turn();
  CHECK(answered() == kClients);
  CHECK(scene.bench.connections->next_deadline() == Instant::never());
}

TEST_CASE("as many handshakes begin in a second as the limit allows, the next one waits") {
  TlsBench scene({.handshakes_max = 10, .handshakes_per_second = 2});
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (std::size_t i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<TlsClient>(io::test::ClientOptions{}));
    (void)clients.back()->handshake();
    scene.bench.receive(scene.bench.connect_tls(), clients.back()->take());
  }
  scene.bench.turn();
  scene.bench.turn();
  CHECK(scene.bench.connections->counters().sends == 2);
  const Instant next = scene.bench.connections->next_deadline();
  CHECK(next == scene.bench.now.monotonic + 500);
  scene.bench.now.monotonic = scene.bench.now.monotonic + 499;
  scene.bench.turn();
  CHECK(scene.bench.connections->counters().sends == 2);
  scene.bench.now.monotonic = next;
  scene.bench.turn();
  CHECK(scene.bench.connections->counters().sends == 3);
}

TEST_CASE("as many handshakes are under way as the limit allows, the next connection is closed at once") {
  TlsBench scene({.handshakes_max = 2, .handshakes_per_second = 100});
  TlsClient client({});
  const SlotId first = scene.bench.connect_tls();
  (void)scene.bench.connect_tls();
  scene.bench.refuse_tls();
  CHECK(scene.tls().counters.refused == 1);
  CHECK(scene.bench.connections->open() == 2);
  (void)client.handshake();
  scene.talk(first, client);  // complete: it is no longer under way
  CHECK(scene.tls().under_way() == 1);
  (void)scene.bench.connect_tls();
  CHECK(scene.bench.connections->open() == 3);
}

TEST_CASE("a handshake that is not complete in time ends without a word and gives its place back") {
  TlsBench scene;
  TlsClient client({});
  const SlotId slot = scene.bench.connect_tls();
  (void)client.handshake();
  scene.bench.receive(slot, client.take().substr(0, 20));
  scene.bench.settle();
  scene.bench.now.monotonic = scene.bench.now.monotonic + scene.bench.config.handshake_timeout_ms;
  scene.bench.settle();
  scene.bench.end_of_stream(slot);
  scene.bench.settle();
  CHECK(scene.bench.take_sent().empty());
  CHECK(scene.bench.connections->open() == 0);
  CHECK(scene.tls().under_way() == 0);
}

TEST_CASE("a peer that sends more than a handshake needs is cut off") {
  for (const std::size_t size : {io::kTlsHandshakeBytesMax, io::kTlsHandshakeBytesMax + 1}) {
    TlsBench scene({.handshakes_max = 10, .handshakes_per_second = 1});
    TlsClient first({});
    (void)first.handshake();
    scene.bench.receive(scene.bench.connect_tls(), first.take());  // the one of this second
    const SlotId slot = scene.bench.connect_tls();
    scene.bench.receive(slot, std::string(size, '\x16'));
    scene.bench.settle();
    CHECK(scene.bench.count(OperationKind::shutdown_both) == (size > io::kTlsHandshakeBytesMax ? 1 : 0));
  }
}

TEST_CASE("what is no TLS is told so by an alert, and closed") {
  TlsBench scene;
  const SlotId slot = scene.bench.connect_tls();
  scene.bench.receive(slot, std::string_view("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10));
  scene.bench.settle();
  const std::string alert = scene.bench.take_sent();
  REQUIRE(alert.size() == 7);
  CHECK(alert.front() == 21);
  CHECK(scene.bench.count(OperationKind::shutdown_write) == 1);
  CHECK(scene.tls().counters.failed == 1);
  scene.bench.end_of_stream(slot);
  scene.bench.settle();
  CHECK(scene.bench.connections->open() == 0);
}

TEST_CASE("a record that was changed on its way ends a subscriber, what it was owed is not sent") {
  TlsBench scene;
  TlsClient client({});
  const SlotId slot = scene.open_websocket(client, "/topics/a");
  client.write(client_frame(frame::Opcode::text, "hello"));
  std::string sealed = client.take();
  sealed.back() = static_cast<char>(sealed.back() ^ 1);
  scene.bench.receive(slot, sealed);
  scene.bench.settle();
  client.give(scene.bench.take_sent());
  CHECK(client.read().empty());
  CHECK(client.failed);  // by the alert
  CHECK(scene.bench.count(OperationKind::shutdown_write) == 1);
}

TEST_CASE("a peer that asks for new keys and reads nothing owes us little memory") {
  TlsBench scene;
  TlsClient client({});
  const SlotId slot = scene.open_websocket(client, "/topics/a");
  scene.bench.backend.room = 0;
  for (int i = 0; i < 10'000 && scene.bench.count(OperationKind::shutdown_both) == 0; ++i) {
    REQUIRE(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
    client.write(client_frame(frame::Opcode::ping, ""));
    scene.bench.receive(slot, client.take());
    scene.bench.turn();
    CHECK(scene.tls().wire.said.capacity() <= 2 * io::kTlsSaidBytesMax);
  }
}

TEST_CASE("max-connections is kept over TLS too, without a word") {
  TlsBench scene({}, Config{.max_connections = 1});
  TlsClient client({});
  (void)scene.connect(client);
  const SlotId second = scene.bench.connect_tls();
  scene.bench.settle();
  scene.bench.end_of_stream(second);
  scene.bench.settle();
  CHECK(scene.bench.take_sent().empty());
  CHECK(scene.bench.connections->open() == 1);
}
