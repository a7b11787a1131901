// Socket: a TCP connection of ours, with TLS where the URL says so, never blocking; the caller polls.
//
// Owner: one; closed when it goes. Thread: one.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/error.h"
#include "client/tls.h"
#include "client/url.h"
#include "frame/bytes.h"

namespace ringcast::client {

// An address to try, and how to name it in an error.
struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;
  std::string text;  // "127.0.0.1:8080"
};

// The addresses of the URL's host, in the order in which they should be tried; at least one. Blocks while it asks.
[[nodiscard]] std::expected<std::vector<Endpoint>, Error> resolve(const Url& url);

class Socket {
 public:
  // Begins to connect. To be polled for writing; then finish_connect() says how it went.
  // REQUIRES: url.tls, where it is secure.
  [[nodiscard]] static std::expected<Socket, Error> start_connect(const Endpoint& endpoint, const Url& url);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  [[nodiscard]] std::expected<void, Error> finish_connect();

  // How many bytes the socket took; 0: none, it is full.
  [[nodiscard]] std::expected<std::size_t, Error> write(frame::Bytes bytes);

  // How many bytes came; none: nothing yet; 0: the peer has ended its side.
  [[nodiscard]] std::expected<std::optional<std::size_t>, Error> read(frame::MutableBytes buffer);

  [[nodiscard]] int fd() const noexcept { return fd_; }
  // What to poll a connected socket for, with something to write or without.
  [[nodiscard]] short poll_events(bool writes) const noexcept;
  // Something can be read that poll() does not know of.
  [[nodiscard]] bool has_pending() const noexcept { return tls_ != nullptr && tls_->has_pending(); }

 private:
  Socket(int fd, std::string peer) noexcept : fd_(fd), peer_(std::move(peer)) {}

  int fd_ = -1;
  std::string peer_;
  std::unique_ptr<TlsSession> tls_;  // null: plain
};

}  // namespace ringcast::client
