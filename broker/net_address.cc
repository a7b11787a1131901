#include "broker/net_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "frame/http_fields.h"

namespace ringcast::broker {

namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::uint32_t kMappedBits = 96;
constexpr std::uint32_t kAddressBits = 128;
constexpr std::size_t kLinePrefixBytes = 8;

bool is_v4(const NetAddress& address) noexcept {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.begin());
}

// "1.2.3.4:567", "[::1]:567", "[::1]" without what is not the address.
std::string_view address_alone(std::string_view text) noexcept {
  if (text.starts_with('[')) return text.substr(1, std::min(text.find(']'), text.size()) - 1);
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && colon == text.rfind(':') ? text.substr(0, colon) : text;
}

}  // namespace

std::optional<NetAddress> parse_net_address(std::string_view text) {
  if (text.size() > INET6_ADDRSTRLEN || text.contains('\0')) return std::nullopt;
  const std::string name(text);
  NetAddress address{};
  if (::inet_pton(AF_INET6, name.c_str(), address.data()) == 1) return address;
  std::ranges::copy(kMappedPrefix, address.begin());
  if (::inet_pton(AF_INET, name.c_str(), address.data() + kMappedPrefix.size()) == 1) return address;
  return std::nullopt;
}

std::expected<NetRange, std::string> parse_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_net_address(text.substr(0, slash));
  if (!address) return std::unexpected("is no address and no network; such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32");
  if (slash == std::string_view::npos) return NetRange{.address = *address};
  const std::string_view digits = text.substr(slash + 1);
  const std::uint32_t above = is_v4(*address) && !text.substr(0, slash).contains(':') ? kMappedBits : 0;
  std::uint32_t bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size() || bits > kAddressBits - above)
    return std::unexpected("has no number of bits behind the slash that its address has");
  return NetRange{.address = *address, .bits = above + bits};
}

bool is_in(std::span<const NetRange> networks, const NetAddress& address) noexcept {
  return std::ranges::any_of(networks, [&](const NetRange& network) {
    const std::uint32_t whole = network.bits / 8;
    if (!std::equal(address.begin(), address.begin() + whole, network.address.begin())) return false;
    const std::uint32_t rest = network.bits % 8;
    return rest == 0 || (address[whole] ^ network.address[whole]) >> (8 - rest) == 0;
  });
}

std::string account_name(const NetAddress& address) {
  return {reinterpret_cast<const char*>(address.data()), is_v4(address) ? address.size() : kLinePrefixBytes};
}

std::optional<NetAddress> client_of(std::string_view forwarded_for, std::span<const NetRange> trusted) {
  for (std::size_t looks = 0; looks < kForwardedMax && !forwarded_for.empty(); ++looks) {
    const std::size_t comma = forwarded_for.rfind(',');
    const std::string_view last = comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1);
    forwarded_for = comma == std::string_view::npos ? std::string_view{} : forwarded_for.substr(0, comma);
    const auto address = parse_net_address(address_alone(frame::trim_spaces(last)));
    if (!address || !is_in(trusted, *address)) return address;
  }
  return std::nullopt;
}

}  // namespace ringcast::broker
