// Server: a server for one connection at a time, on a free port of loopback, in a thread of its own: a Peer with a
// socket.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <thread>

#include "frame/bytes.h"
#include "tests/client/peer.h"

namespace ringcast::test {

class Server {
 public:
  // `serve` runs in the server's thread with each connection's socket, which it need not close, `connections` times.
  Server(int connections, std::function<void(int fd)> serve)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, connections, serve = std::move(serve)] {
      for (int i = 0; i < connections; ++i) {
        const int fd = ::accept(listener_, nullptr, nullptr);
        if (fd < 0) return;
        serve(fd);
        ::close(fd);
      }
    });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    ::shutdown(listener_, SHUT_RDWR);  // ends an accept that nobody came for
    thread_.join();
    ::close(listener_);
  }

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

inline void write_all(int fd, frame::Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return;
    bytes = bytes.subspan(static_cast<std::size_t>(size));
  }
}

// Moves bytes between a peer and its client until the client ends, or `enough` says so after a read.
inline void serve(int fd, Peer& peer, const std::function<bool()>& enough = [] { return false; }) {
  std::array<std::uint8_t, 64 * 1024> buffer;
  for (;;) {
    const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (size <= 0) return;
    peer.take(frame::Bytes(buffer).first(static_cast<std::size_t>(size)));
    write_all(fd, peer.release());
    if (enough()) return;
  }
}

}  // namespace ringcast::test
