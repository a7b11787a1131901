#include "client/connection.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "client/http.h"
#include "tests/client/server.h"

using namespace ringcast;
using namespace ringcast::client;
using ringcast::test::Peer;
using ringcast::test::Server;

namespace {

constexpr std::int64_t kLongMs = 20'000;  // never waited for unless something is broken

std::expected<Connection, Error> open(const Server& server, Random& random) {
  return Connection::open(*parse_url(server.url()), "/topics/a", {}, random, Deadline::in_ms(kLongMs));
}

}  // namespace

TEST_CASE("Connection sends, receives and closes, and its close means that all was read") {
  Peer peer;
  peer.echo = true;
  Random random;
  {
    Server server(1, [&peer](int fd) { test::serve(fd, peer); });
    auto connection = open(server, random);
    REQUIRE(connection.has_value());
    connection->send(MessageKind::text, frame::as_bytes("hello"));
    connection->send(MessageKind::binary, std::vector<std::uint8_t>(300'000, 7));
    REQUIRE(connection->flush(Deadline::in_ms(kLongMs)).has_value());
    CHECK(connection->gathered() == 0);
    auto event = connection->receive(Deadline::in_ms(kLongMs));
    REQUIRE(event.has_value());
    CHECK(event->kind == Event::Kind::text);
    CHECK(frame::as_text(event->payload) == "hello");
    event = connection->receive(Deadline::in_ms(kLongMs));
    REQUIRE(event.has_value());
    CHECK(event->kind == Event::Kind::binary);
    CHECK(event->payload.size() == 300'000);
    for (int i = 0; i < 1000; ++i) connection->send(MessageKind::text, frame::as_bytes(std::to_string(i)));
    CHECK(connection->close(1000, "done", Deadline::in_ms(kLongMs)).has_value());
  }
  REQUIRE(peer.heard.size() == 1003);
  CHECK(peer.heard[1001] == "text 999");
  CHECK(peer.heard[1002] == "close 1000 done");
}

TEST_CASE("Connection's close fails when the peer closes for a reason of its own, which crossed with it") {
  Peer peer;
  Random random;
  bool told = false;
  Server server(1, [&](int fd) {
    test::serve(fd, peer, [&] {
      if (!std::exchange(told, true)) return false;  // the handshake
      peer.send(frame::Opcode::close, "\x03\xf1the last one was too big");
      test::write_all(fd, peer.release());
      return true;
    });
  });
  auto connection = open(server, random);
  REQUIRE(connection.has_value());
  connection->send(MessageKind::text, frame::as_bytes("too big"));
  const auto closed = connection->close(1000, "", Deadline::in_ms(kLongMs));
  REQUIRE_FALSE(closed.has_value());
  CHECK(closed.error().failure == Failure::closed);
  CHECK(closed.error().text.find("1009") != std::string::npos);
  CHECK(closed.error().text.find("the last one was too big") != std::string::npos);
}

TEST_CASE("Connection answers pings while it waits for a message") {
  Peer peer;
  Random random;
  bool pinged = false;
  Server server(1, [&](int fd) {
    test::serve(fd, peer, [&] {
      if (!std::exchange(pinged, true)) {
        peer.send(frame::Opcode::ping, "are you there");
        test::write_all(fd, peer.release());
        return false;
      }
      peer.send(frame::Opcode::text, peer.heard.empty() ? "?" : peer.heard[0]);
      test::write_all(fd, peer.release());
      return true;
    });
  });
  auto connection = open(server, random);
  REQUIRE(connection.has_value());
  const auto event = connection->receive(Deadline::in_ms(kLongMs));
  REQUIRE(event.has_value());
  CHECK(frame::as_text(event->payload) == "pong are you there");
}

TEST_CASE("Connection says the peer's close code even when writing failed first") {
  Peer peer;
  Random random;
  Server server(1, [&](int fd) {
    test::serve(fd, peer, [&] {
      peer.send(frame::Opcode::close, "\x0f\xa8too slow");
      test::write_all(fd, peer.release());
      return true;  // closes with input unread: the client's writes are answered by a reset
    });
  });
  auto connection = open(server, random);
  REQUIRE(connection.has_value());
  const std::vector<std::uint8_t> much(8 << 20);
  connection->send(MessageKind::binary, much);
  const auto flushed = connection->flush(Deadline::in_ms(kLongMs));
  REQUIRE_FALSE(flushed.has_value());
  CHECK(flushed.error().failure == Failure::closed);
  CHECK(flushed.error().text == "the broker closed the connection with 4008 (too slow): too slow");
}

TEST_CASE("Connection gives up at its deadline, whatever the server leaves undone") {
  Random random;
  std::vector<int> held;
  Server server(2, [&held](int fd) { held.push_back(::dup(fd)); });  // neither answers nor ends
  const auto url = parse_url(server.url());
  const auto connection = Connection::open(*url, "/topics/a", {}, random, Deadline::in_ms(30));
  REQUIRE_FALSE(connection.has_value());
  CHECK(connection.error().failure == Failure::timeout);
  const auto answer = request(*url, {.method = "GET", .target = "/"}, Deadline::in_ms(30));
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().failure == Failure::timeout);
  for (const int fd : held) ::close(fd);
}

TEST_CASE("Connection says where nothing listens, and what has no address") {
  Random random;
  std::uint16_t port = 0;
  {
    const Server gone(0, [](int) {});
    port = gone.port();
  }
  const Url url{.host = "127.0.0.1", .port = port, .authority = "127.0.0.1", .base_path = ""};
  const auto refused = Connection::open(url, "/topics/a", {}, random, Deadline::in_ms(kLongMs));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().failure == Failure::unreachable);
  CHECK(refused.error().text == "nothing listens on 127.0.0.1:" + std::to_string(port));
  const auto posted = request(url, {.method = "POST", .target = "/"}, Deadline::in_ms(kLongMs));
  REQUIRE_FALSE(posted.has_value());
  CHECK(posted.error().failure == Failure::unreachable);
  const Url nowhere{.host = "no.such.host.invalid", .port = 80, .authority = "x", .base_path = ""};
  const auto unknown = Connection::open(nowhere, "/topics/a", {}, random, Deadline::in_ms(kLongMs));
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().failure == Failure::unresolved);
}

TEST_CASE("Connection gives the messages that came before the end, then how it ended") {
  Peer peer;
  Random random;
  Server server(1, [&](int fd) {
    test::serve(fd, peer, [&] {
      peer.send(frame::Opcode::text, "one");
      peer.send(frame::Opcode::text, "two");
      test::write_all(fd, peer.release());
      return true;  // ends without a close frame
    });
  });
  auto connection = open(server, random);
  REQUIRE(connection.has_value());
  CHECK(frame::as_text(connection->receive(Deadline::in_ms(kLongMs))->payload) == "one");
  CHECK(frame::as_text(connection->receive(Deadline::in_ms(kLongMs))->payload) == "two");
  const auto end = connection->receive(Deadline::in_ms(kLongMs));
  REQUIRE_FALSE(end.has_value());
  CHECK(end.error().failure == Failure::closed);
}

TEST_CASE("request gives back every kind of body whole") {
  struct Case {
    const char* answer;
    std::uint16_t status;
    const char* body;
  };
  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 200, "hello"},
      {"HTTP/1.1 200 OK\r\n\r\nhello", 200, "hello"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 404, "no"},
      {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.answer);
    std::string got;
    {
      Server server(1, [&](int fd) {
        while (got.find("\r\n\r\nbody") == std::string::npos) {
          char byte = 0;
          if (::recv(fd, &byte, 1, 0) != 1) return;
          got += byte;
        }
        for (const char& byte : std::string_view(c.answer)) ::send(fd, &byte, 1, MSG_NOSIGNAL);
      });
      const auto answer =
          request(*parse_url(server.url()), {.method = "POST", .target = "/topics/a", .body = frame::as_bytes("body")},
                  Deadline::in_ms(kLongMs));
      REQUIRE(answer.has_value());
      CHECK(answer->status == c.status);
      CHECK(answer->body == c.body);
    }
    CHECK(got.starts_with("POST /topics/a HTTP/1.1\r\nHost: 127.0.0.1:"));
    CHECK(got.find("Content-Length: 4\r\n") != std::string::npos);
  }
}

TEST_CASE("request fails on an answer that ends too early, or is none") {
  for (const char* bytes :
       {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "NO\r\n\r\n"}) {
    CAPTURE(bytes);
    Server server(1, [bytes](int fd) {
      char byte = 0;
      if (::recv(fd, &byte, 1, 0) == 1) test::write_all(fd, frame::as_bytes(bytes));
      ::shutdown(fd, SHUT_WR);
      while (::recv(fd, &byte, 1, 0) > 0) continue;
    });
    CHECK_FALSE(
        request(*parse_url(server.url()), {.method = "GET", .target = "/"}, Deadline::in_ms(kLongMs)).has_value());
  }
}
