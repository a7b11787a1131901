#include "broker/io/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace ringcast::io {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 16> kNone{};

void set_option(int fd, int level, int option, int value) noexcept {
  static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
}

}  // namespace

bool Peer::is_v4() const noexcept {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.begin());
}

bool Peer::is_loopback() const noexcept {
  if (is_v4()) return address[12] == 127;
  return address == kNone || std::memcmp(address.data(), &in6addr_loopback, address.size()) == 0;
}

std::string Peer::text() const {
  char host[INET6_ADDRSTRLEN] = "";
  if (is_v4()) {
    ::inet_ntop(AF_INET, address.data() + kMappedPrefix.size(), host, sizeof host);
    return std::string(host) + ":" + std::to_string(port);
  }
  ::inet_ntop(AF_INET6, address.data(), host, sizeof host);
  std::string text = "[";
  return text.append(host).append("]:").append(std::to_string(port));
}

Peer peer_of(int fd) noexcept {
  Peer peer;
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) < 0) return peer;
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    std::ranges::copy(kMappedPrefix, peer.address.begin());
    std::memcpy(peer.address.data() + kMappedPrefix.size(), &v4.sin_addr, sizeof v4.sin_addr);
    peer.port = ntohs(v4.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    std::memcpy(peer.address.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    peer.port = ntohs(v6.sin6_port);
  }
  return peer;
}

void tune(int fd) noexcept {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kNotsentMaxBytes);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kUnackedMaxMs);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveIdleS);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveIntervalS);
}

}  // namespace ringcast::io
