#include "broker/io/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

namespace ringcast::io {
namespace {

// Connections that wait for accept: a mass reconnect after a restart. The kernel cuts it to net.core.somaxconn (4096).
constexpr int kBacklog = 4096;

constexpr int kRetryMs = 20;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

std::expected<SocketAddress, Error> resolve(const broker::Address& address) {
  SocketAddress result;
  auto& v4 = reinterpret_cast<sockaddr_in&>(result.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(result.storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    result.size = sizeof v4;
  } else if (::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    result.size = sizeof v6;
  } else {
    return std::unexpected(Error{EINVAL, "cannot listen on \"" + address.host + "\": it is not an IP address"});
  }
  return result;
}

std::uint16_t port_of(const SocketAddress& address) {
  return ntohs(address.storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_port
                                                     : reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
}

std::string remedy(int code, std::uint16_t port) {
  const std::string number = std::to_string(port);
  switch (code) {
    case EADDRINUSE:
      return "the port is in use; `ss -ltnp 'sport = :" + number +
             "'` shows by whom. Stop that, or choose another port (0 takes a free one)";
    case EACCES:
      return "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one, such as 8080";
    case EADDRNOTAVAIL:
      return "no interface of this machine has that address; 0.0.0.0 listens on all";
    case EAFNOSUPPORT:
      return "this machine has no IPv6; use an IPv4 address, such as 0.0.0.0";
    case EMFILE:
      return "the limit of open files is reached; raise it (ulimit -n, LimitNOFILE=)";
    default:
      return ::strerrordesc_np(code);
  }
}

Error listen_error(int code, const broker::Address& address) {
  const bool v6 = address.host.contains(':');
  const std::string host = v6 ? "[" + address.host + "]" : address.host;
  return {code, "cannot listen on " + host + ":" + std::to_string(address.port) + ": " + remedy(code, address.port)};
}

int set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value);
}

enum class Port : std::uint8_t { alone, shared };

// One listening socket, or -errno.
std::expected<Descriptor, int> open_socket(const SocketAddress& address, Port port) {
  Descriptor socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!socket.valid()) return std::unexpected(errno);
  // Or connections of the last run that linger in TIME_WAIT would keep the port. It lets in no other listener.
  if (set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1) < 0) return std::unexpected(errno);
  const bool v6 = address.storage.ss_family == AF_INET6;
  if (v6 && set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0) < 0) return std::unexpected(errno);
  if (port == Port::shared && set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1) < 0) return std::unexpected(errno);
  if (::bind(socket.get(), address.get(), address.size) < 0) return std::unexpected(errno);
  if (::listen(socket.get(), kBacklog) < 0) return std::unexpected(errno);
  return socket;
}

std::expected<Descriptor, int> open_first(const SocketAddress& address, std::int64_t patience_ms) {
  for (;; patience_ms -= kRetryMs) {
    auto first = open_socket(address, Port::alone);
    if (first || first.error() != EADDRINUSE || patience_ms <= 0) return first;
    ::poll(nullptr, 0, kRetryMs);
  }
}

}  // namespace

std::expected<Listeners, Error> listen_on(const broker::Address& address, const ListenOptions& options) {
  assert(options.count >= 1);
  auto wanted = resolve(address);
  if (!wanted) return std::unexpected(wanted.error());
  Listeners listeners{.sockets = {}, .address = address};

  auto first = open_first(*wanted, options.patience_ms);
  if (!first) return std::unexpected(listen_error(first.error(), address));
  if (::getsockname(first->get(), wanted->get(), &wanted->size) < 0) {
    return std::unexpected(listen_error(errno, address));
  }
  listeners.address.port = port_of(*wanted);
  // Alone until here: from now on sockets of the same user that ask for it may join.
  if (options.count > 1 && set_option(first->get(), SOL_SOCKET, SO_REUSEPORT, 1) < 0) {
    return std::unexpected(listen_error(errno, address));
  }
  listeners.sockets.push_back(std::move(*first));
  while (listeners.sockets.size() < options.count) {
    auto next = open_socket(*wanted, Port::shared);
    if (!next) return std::unexpected(listen_error(next.error(), listeners.address));
    listeners.sockets.push_back(std::move(*next));
  }
  return listeners;
}

}  // namespace ringcast::io
