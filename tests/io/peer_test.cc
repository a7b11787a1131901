#include "broker/io/peer.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>

#include "tests/io/harness.h"

namespace ringcast::io::test {
namespace {

Peer peer(const char* v6, std::uint16_t port) {
  Peer result;
  REQUIRE(::inet_pton(AF_INET6, v6, result.address.data()) == 1);
  result.port = port;
  return result;
}

int tcp_option(const Descriptor& socket, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(socket.get(), level, option, &value, &size) == 0);
  return value;
}

}  // namespace

TEST_CASE("a peer is written as people write addresses, and loopback is known in every form") {
  struct Row {
    const char* v6;
    const char* text;
    bool loopback;
  };
  const Row rows[] = {
      {"::ffff:127.0.0.1", "127.0.0.1:80", true},
      {"::ffff:127.255.255.254", "127.255.255.254:80", true},
      {"::ffff:126.0.0.1", "126.0.0.1:80", false},
      {"::ffff:128.0.0.1", "128.0.0.1:80", false},
      {"::ffff:192.0.2.7", "192.0.2.7:80", false},
      {"::1", "[::1]:80", true},
      {"::2", "[::2]:80", false},
      {"2001:db8::1", "[2001:db8::1]:80", false},
      {"::", "[::]:80", true},
      {"::127.0.0.1", "[::127.0.0.1]:80", false},
  };
  for (const Row& row : rows) {
    INFO(std::string(row.v6));
    CHECK(peer(row.v6, 80).text() == row.text);
    CHECK(peer(row.v6, 80).is_loopback() == row.loopback);
  }
}

TEST_CASE("peer_of names the other end, and nobody where there is none") {
  const Pair pair = tcp_pair();
  sockaddr_in theirs{};
  socklen_t size = sizeof theirs;
  REQUIRE(::getsockname(pair.theirs.get(), reinterpret_cast<sockaddr*>(&theirs), &size) == 0);
  CHECK(peer_of(pair.ours.get()).text() == "127.0.0.1:" + std::to_string(ntohs(theirs.sin_port)));
  CHECK(peer_of(pair.ours.get()).is_loopback());
  const Pair local = unix_pair();
  CHECK(peer_of(local.ours.get()) == Peer{});
  CHECK(peer_of(local.ours.get()).is_loopback());
  CHECK(peer_of(-1) == Peer{});
}

TEST_CASE("tune sets every option on a TCP socket and bears any other descriptor") {
  const Pair pair = tcp_pair();
  tune(pair.ours.get());
  CHECK(tcp_option(pair.ours, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(tcp_option(pair.ours, IPPROTO_TCP, TCP_NOTSENT_LOWAT) == 32 << 10);
  CHECK(tcp_option(pair.ours, IPPROTO_TCP, TCP_USER_TIMEOUT) == 30'000);
  CHECK(tcp_option(pair.ours, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(tcp_option(pair.ours, IPPROTO_TCP, TCP_KEEPIDLE) == kKeepaliveIdleS);
  CHECK(tcp_option(pair.ours, IPPROTO_TCP, TCP_KEEPINTVL) == kKeepaliveIntervalS);
  tune(unix_pair().ours.get());
  tune(-1);
}

}  // namespace ringcast::io::test
