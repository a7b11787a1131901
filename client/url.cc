#include "client/url.h"

#include <charconv>
#include <system_error>

#include "frame/bytes.h"
#include "frame/url.h"
#include "frame/utf8.h"

namespace ringcast::client {
namespace {

constexpr std::string_view kExample = "write it like http://127.0.0.1:8080";

std::unexpected<Error> refuse(std::string text, std::string_view remedy) {
  return std::unexpected(Error{.failure = Failure::usage, .text = std::move(text), .remedy = std::string(remedy)});
}

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

}  // namespace

std::expected<Url, Error> parse_url(std::string_view text) {
  const bool secure = text.starts_with("https://") || text.starts_with("wss://");
  if (!secure && !text.starts_with("http://") && !text.starts_with("ws://")) {
    return refuse(quoted(text) + " is not a URL of a broker", kExample);
  }
  const std::string_view rest = text.substr(text.find("//") + 2);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  Url url{.host = {},
          .port = static_cast<std::uint16_t>(secure ? 443 : 80),
          .authority = std::string(rest.substr(0, slash)),
          .secure = secure,
          .base_path = std::string(rest.substr(slash))};
  if (!frame::is_authority(url.authority)) return refuse(quoted(text) + " names no host that could be", kExample);
  if (url.base_path.find_first_of("?#") != std::string::npos) {
    return refuse(quoted(text) + " has a query or fragment", kExample);
  }
  if (!url.base_path.empty() && !frame::decode_path(url.base_path)) {
    return refuse(quoted(text) + " has a path that is not percent-encoded", kExample);
  }
  while (url.base_path.ends_with('/')) url.base_path.pop_back();
  const std::string_view authority = url.authority;
  const std::size_t bracket = authority.find(']');  // an IPv6 address holds colons of its own
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const std::string_view digits = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || url.port == 0) {
      return refuse(quoted(text) + " has no port from 1 to 65535", kExample);
    }
  }
  std::string_view host = authority.substr(0, colon);
  if (bracket != std::string_view::npos) host = host.substr(1, host.size() - 2);
  url.host = host;
  return url;
}

std::expected<Place, Error> open_place(std::string_view text, const TlsFiles& files) {
  auto url = parse_url(text);
  if (!url) return std::unexpected(url.error());
  if (!url->secure) {
    if (files.any()) return refuse(quoted(text) + " is not encrypted", "certificates are for https:// and wss://");
    return Place{.url = *std::move(url), .tls = nullptr};
  }
  auto tls = Tls::open(files);
  if (!tls) return std::unexpected(tls.error());
  url->tls = tls->get();
  return Place{.url = *std::move(url), .tls = *std::move(tls)};
}

std::expected<std::string, Error> topic_target(const Url& url, std::string_view filter, std::string_view query) {
  if (filter.empty()) return refuse("a topic or filter cannot be empty", "name one, such as chat/room1");
  if (!frame::is_utf8(frame::as_bytes(filter)) || filter.find('\0') != std::string_view::npos) {
    return refuse("a topic or filter must be UTF-8 without zero bytes", "");
  }
  std::string target = url.base_path + "/topics/" + frame::encode_path(filter);
  if (!query.empty()) (target += '?') += query;
  return target;
}

}  // namespace ringcast::client
