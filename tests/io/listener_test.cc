#include "broker/io/listener.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "tests/io/harness.h"

namespace ringcast::io::test {
namespace {

const broker::Address kAnyFree{"127.0.0.1", 0};

int option_of(const Descriptor& socket, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(socket.get(), SOL_SOCKET, option, &value, &size) == 0);
  return value;
}

// A socket bound to the port, listening or not, with SO_REUSEPORT or not; not valid where the kernel refuses.
Descriptor take_port(std::uint16_t port, bool reuse_port, bool listening) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) return {};
  if (listening && ::listen(socket.get(), 16) < 0) return {};
  return socket;
}

}  // namespace

TEST_CASE("port 0 takes a free port, reports it, and all sockets share it") {
  const auto listeners = listen_on(kAnyFree, {.count = 4});
  REQUIRE(listeners.has_value());
  CHECK(listeners->address.host == "127.0.0.1");
  CHECK(listeners->address.port != 0);
  REQUIRE(listeners->sockets.size() == 4);
  for (const Descriptor& socket : listeners->sockets) {
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
    CHECK(ntohs(bound.sin_port) == listeners->address.port);
    CHECK(option_of(socket, SO_ACCEPTCONN) == 1);
    CHECK(option_of(socket, SO_REUSEPORT) == 1);
    CHECK(::fcntl(socket.get(), F_GETFD) == FD_CLOEXEC);
    CHECK((::fcntl(socket.get(), F_GETFL) & O_NONBLOCK) == 0);
  }
}

TEST_CASE("connections are spread over all sockets, the first included") {
  const auto listeners = listen_on(kAnyFree, {.count = 3});
  REQUIRE(listeners.has_value());
  std::vector<Descriptor> clients(300);
  for (Descriptor& client : clients) client = connect_to(listeners->sockets[0]);
  std::vector<Descriptor> accepted;
  for (const Descriptor& socket : listeners->sockets) {
    const std::size_t before = accepted.size();
    pollfd ready{.fd = socket.get(), .events = POLLIN, .revents = 0};
    while (::poll(&ready, 1, 0) == 1) accepted.emplace_back(::accept(socket.get(), nullptr, nullptr));
    CHECK(accepted.size() - before >= 50);  // 100 each on average; the hash gives fewer than 50 to one in 10^8 runs
  }
  CHECK(accepted.size() == clients.size());
}

TEST_CASE("a second broker on the port is an error that names the remedy, however many shards either has") {
  for (const unsigned first_count : {1U, 4U}) {
    for (const unsigned second_count : {1U, 4U}) {
      const auto first = listen_on(kAnyFree, {.count = first_count});
      REQUIRE(first.has_value());
      const auto second = listen_on(first->address, {.count = second_count, .patience_ms = 0});
      REQUIRE_FALSE(second.has_value());
      CHECK(second.error().code == EADDRINUSE);
      const std::string port = std::to_string(first->address.port);
      CHECK(second.error().text.starts_with("cannot listen on 127.0.0.1:" + port + ": the port is in use"));
      CHECK(second.error().text.contains("sport = :" + port));
      CHECK_FALSE(second.error().text.contains('\n'));
      // And the first goes on undisturbed.
      const Descriptor client = connect_to(first->sockets[0]);
      CHECK(client.valid());
    }
  }
}

TEST_CASE("a foreign listener on the port is an error, with SO_REUSEPORT of the same user too") {
  for (const bool reuse_port : {false, true}) {
    CAPTURE(reuse_port);
    const std::uint16_t port = listen_on(kAnyFree, {})->address.port;
    const Descriptor foreign = take_port(port, reuse_port, true);
    REQUIRE(foreign.valid());
    const auto listeners = listen_on({"127.0.0.1", port}, {.count = 2, .patience_ms = 0});
    REQUIRE_FALSE(listeners.has_value());
    CHECK(listeners.error().code == EADDRINUSE);
    const auto everywhere = listen_on({"0.0.0.0", port}, {.count = 2, .patience_ms = 0});
    REQUIRE_FALSE(everywhere.has_value());
    CHECK(everywhere.error().code == EADDRINUSE);
  }
}

TEST_CASE("of many brokers that start at once on one port, at most one gets it") {
  // Each child tells whether it listens, then keeps listening until all have told.
  for (int round = 0; round < 10; ++round) {
    const std::uint16_t port = listen_on(kAnyFree, {})->address.port;
    int answers[2];
    int go[2];
    REQUIRE(::pipe(answers) == 0);
    REQUIRE(::pipe(go) == 0);
    constexpr int kBrokers = 4;
    pid_t children[kBrokers];
    for (pid_t& child : children) {
      child = ::fork();
      REQUIRE(child >= 0);
      if (child != 0) continue;
      const auto listeners = listen_on({"127.0.0.1", port}, {.count = 3, .patience_ms = 0});
      const char answer = listeners ? '1' : '0';
      if (::write(answers[1], &answer, 1) != 1) ::_exit(1);
      ::close(go[1]);
      char end = 0;
      static_cast<void>(!::read(go[0], &end, 1));
      ::_exit(0);
    }
    int winners = 0;
    for (int i = 0; i < kBrokers; ++i) {
      char answer = 0;
      REQUIRE(::read(answers[0], &answer, 1) == 1);
      winners += answer == '1' ? 1 : 0;
    }
    CHECK(winners <= 1);
    for (const int fd : {answers[0], answers[1], go[0], go[1]}) ::close(fd);
    for (const pid_t child : children) REQUIRE(::waitpid(child, nullptr, 0) == child);
  }
}

TEST_CASE("a port that is freed while we wait is taken") {
  auto first = listen_on(kAnyFree, {.count = 2});
  REQUIRE(first.has_value());
  const broker::Address address = first->address;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::poll(nullptr, 0, 60);  // holds the sockets a little longer than their owner does, as a dying ring would
    ::_exit(0);
  }
  first->sockets.clear();
  const auto again = listen_on(address, {.count = 2, .patience_ms = 10'000});
  CHECK(again.has_value());
  REQUIRE(::waitpid(child, nullptr, 0) == child);
}

TEST_CASE("connections of the last run do not keep the port") {
  broker::Address address;
  {
    const auto listeners = listen_on(kAnyFree, {});
    REQUIRE(listeners.has_value());
    address = listeners->address;
    const Descriptor client = connect_to(listeners->sockets[0]);
    // We close first, so TIME_WAIT is ours.
    Descriptor(::accept(listeners->sockets[0].get(), nullptr, nullptr)).reset();
    CHECK(read_exactly(client, 1).empty());
  }
  CHECK(listen_on(address, {.count = 2, .patience_ms = 0}).has_value());
}

TEST_CASE("a port below 1024 without the right to it is an error that says so") {
  int answer[2];
  REQUIRE(::pipe(answer) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    static_cast<void>(!::setuid(65534));  // for root, which has the right
    const auto listeners = listen_on({"127.0.0.1", 1}, {});
    const std::string text = listeners ? "listens" : listeners.error().text;
    ::_exit(::write(answer[1], text.data(), text.size()) > 0 ? 0 : 1);
  }
  char text[256] = "";
  REQUIRE(::read(answer[0], text, sizeof text - 1) > 0);
  for (const int fd : answer) ::close(fd);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(std::string(text).starts_with("cannot listen on 127.0.0.1:1: ports below 1024 need CAP_NET_BIND_SERVICE"));
}

TEST_CASE("IPv6 listens, and :: takes IPv4 too") {
  const auto loopback = listen_on({"::1", 0}, {.count = 2});
  if (!loopback && loopback.error().code == EADDRNOTAVAIL) {
    MESSAGE("NOT TESTED: this machine has no IPv6");
    return;
  }
  REQUIRE(loopback.has_value());
  CHECK(loopback->address.port != 0);
  const auto both = listen_on({"::", 0}, {.count = 2});
  REQUIRE(both.has_value());
  const Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(both->address.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

TEST_CASE("what cannot be listened on is an error with its reason") {
  struct Row {
    broker::Address address;
    int code;
    const char* text;
  };
  const Row rows[] = {
      {{"localhost", 0}, EINVAL, "not an IP address"},
      {{"", 0}, EINVAL, "not an IP address"},
      {{"*", 0}, EINVAL, "not an IP address"},
      {{"1.2.3", 0}, EINVAL, "not an IP address"},
      {{"192.0.2.1", 0}, EADDRNOTAVAIL, "no interface of this machine has that address"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.address.host);
    const auto listeners = listen_on(row.address, {});
    REQUIRE_FALSE(listeners.has_value());
    CHECK(listeners.error().code == row.code);
    CHECK(listeners.error().text.contains(row.text));
  }
}

}  // namespace ringcast::io::test
