// Peer: who is at the other end of an accepted socket, and how such a socket is set.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace ringcast::io {

// Unsent bytes that the kernel keeps of one connection (TCP_NOTSENT_LOWAT). Measured: a peer that never reads holds
// 0.2 MB of kernel memory instead of 4, and what waits with us can still be replaced by something newer.
inline constexpr int kNotsentMaxBytes = 32 << 10;

// A peer that acknowledges nothing for so long is gone (TCP_USER_TIMEOUT); without it, that takes the kernel 15
// minutes.
inline constexpr int kUnackedMaxMs = 30'000;

// An idle peer is asked for a sign of life by TCP too, where no ping is sent (HTTP): after 60 s, then each 10 s.
// TCP_USER_TIMEOUT takes the place of a number of probes.
inline constexpr int kKeepaliveIdleS = 60;
inline constexpr int kKeepaliveIntervalS = 10;

// An address and a port. IPv4 is kept as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2), so one size fits both.
struct Peer {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;

  [[nodiscard]] bool is_v4() const noexcept;

  // 127.0.0.0/8, ::1, or no address at all (a Unix socket).
  [[nodiscard]] bool is_loopback() const noexcept;

  // "192.0.2.7:51234", "[2001:db8::1]:51234".
  [[nodiscard]] std::string text() const;

  friend bool operator==(const Peer&, const Peer&) = default;
};

// The peer of a connected socket; all zero where it has none any more, or is no internet socket.
[[nodiscard]] Peer peer_of(int fd) noexcept;

// Sets the options of an accepted TCP socket: TCP_NODELAY (we coalesce ourselves) and the values above. Failures are
// ignored: each option only improves, and a socket whose peer has gone already refuses some.
void tune(int fd) noexcept;

}  // namespace ringcast::io
