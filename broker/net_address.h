// NetRange: addresses of peers, networks of trusted ones, and whom a trusted proxy speaks for. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringcast::broker {

// IPv4 is kept as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2), so one size fits both.
using NetAddress = std::array<std::uint8_t, 16>;

struct NetRange {
  NetAddress address{};
  std::uint32_t bits = 128;  // of the address that count
};

inline constexpr std::size_t kForwardedMax = 32;  // addresses of X-Forwarded-For that are looked at, from the right

// "192.0.2.7", "2001:db8::1". Nothing for what is no address.
[[nodiscard]] std::optional<NetAddress> parse_net_address(std::string_view text);

// "10.0.0.0/8", "192.0.2.7", "2001:db8::/32". The error completes "TEXT …".
[[nodiscard]] std::expected<NetRange, std::string> parse_range(std::string_view text);

[[nodiscard]] bool is_in(std::span<const NetRange> networks, const NetAddress& address) noexcept;

// By what an address is known: an IPv6 one by its first 64 bits, which is what one subscriber line gets (RFC 6177).
[[nodiscard]] std::string account_name(const NetAddress& address);

// Who asks, by X-Forwarded-For: each proxy adds on the right whom it was asked by, so it is the rightmost that is not
// trusted. What stands left of him he may have invented. Nothing if there is none, or what should be one is no address.
[[nodiscard]] std::optional<NetAddress> client_of(std::string_view forwarded_for, std::span<const NetRange> trusted);

}  // namespace ringcast::broker
