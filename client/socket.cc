#include "client/socket.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace ringcast::client {
namespace {

std::unexpected<Error> system_error(const std::string& what, int error) {
  std::string remedy;
  if (error == EMFILE) remedy = "raise the limit of open files: ulimit -n";
  return std::unexpected(
      Error{.failure = Failure::system, .text = what + ": " + std::strerror(error), .remedy = std::move(remedy)});
}

std::unexpected<Error> connect_error(const std::string& peer, int error) {
  if (error == ECONNREFUSED) {
    return std::unexpected(Error{.failure = Failure::unreachable,
                                 .text = "nothing listens on " + peer,
                                 .remedy = "start it with: ringcast serve, or name another with --url"});
  }
  return std::unexpected(Error{.failure = Failure::unreachable,
                               .text = "cannot connect to " + peer + ": " + std::strerror(error),
                               .remedy = "check --url"});
}

std::unexpected<Error> lost(const std::string& peer, int error) {
  return std::unexpected(Error{.failure = Failure::closed,
                               .text = "lost the connection to " + peer + ": " + std::strerror(error),
                               .remedy = {}});
}

std::string name_of(const Url& url) {
  const bool bracket = url.host.find(':') != std::string::npos;
  return (bracket ? '[' + url.host + ']' : url.host) + ':' + std::to_string(url.port);
}

}  // namespace

std::expected<std::vector<Endpoint>, Error> resolve(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int status = ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &first);
  if (status != 0) {
    return std::unexpected(Error{.failure = Failure::unresolved,
                                 .text = "no address for " + url.host + ": " + ::gai_strerror(status),
                                 .remedy = "check --url"});
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(first, &::freeaddrinfo);
  std::vector<Endpoint> endpoints;
  for (const addrinfo* info = first; info != nullptr; info = info->ai_next) {
    Endpoint& endpoint = endpoints.emplace_back();
    std::memcpy(&endpoint.address, info->ai_addr, info->ai_addrlen);
    endpoint.size = info->ai_addrlen;
    endpoint.text = name_of(url);
  }
  return endpoints;
}

std::expected<Socket, Error> Socket::start_connect(const Endpoint& endpoint, const Url& url) {
  const int fd = ::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return system_error("cannot open a socket", errno);
  Socket socket(fd, endpoint.text);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // what goes together is written together already
  const auto* address = reinterpret_cast<const sockaddr*>(&endpoint.address);
  if (::connect(fd, address, endpoint.size) != 0 && errno != EINPROGRESS) return connect_error(endpoint.text, errno);
  assert(!url.secure || url.tls != nullptr);
  if (url.secure) socket.tls_ = std::make_unique<TlsSession>(*url.tls, fd, url.host);
  return socket;
}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), peer_(std::move(other.peer_)), tls_(std::move(other.tls_)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(peer_, other.peer_);
  std::swap(tls_, other.tls_);
  return *this;
}

Socket::~Socket() {
  tls_.reset();  // its last words go out before
  if (fd_ >= 0) ::close(fd_);
}

std::expected<void, Error> Socket::finish_connect() {
  int error = 0;
  socklen_t size = sizeof(error);
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return system_error("getsockopt", errno);
  if (error != 0) return connect_error(peer_, error);
  return {};
}

short Socket::poll_events(bool writes) const noexcept {
  return writes && (tls_ == nullptr || !tls_->waits_for_peer()) ? POLLIN | POLLOUT : POLLIN;
}

std::expected<std::size_t, Error> Socket::write(frame::Bytes bytes) {
  if (tls_ != nullptr) return tls_->write(bytes);
  const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN || errno == EINTR) return 0;
  return lost(peer_, errno);
}

std::expected<std::optional<std::size_t>, Error> Socket::read(frame::MutableBytes buffer) {
  if (tls_ != nullptr) return tls_->read(buffer);
  const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN || errno == EINTR) return std::nullopt;
  return lost(peer_, errno);
}

}  // namespace ringcast::client
