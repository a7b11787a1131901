#include "broker/origin.h"

#include <algorithm>

#include "frame/handshake.h"
#include "frame/http_fields.h"
#include "frame/url.h"

namespace ringcast::broker {

namespace {

// "host:port", "[::1]:port", "host" -> the host, with the brackets of IPv6.
std::string_view without_port(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

bool is_dotted_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

// "https://host:port" -> "host:port"; "null" and whatever is no origin -> empty.
std::string_view authority_of(std::string_view origin) {
  const std::size_t colon = origin.find("://");
  return colon == std::string_view::npos ? std::string_view{} : origin.substr(colon + 3);
}

bool is_listed(std::string_view origin, const Config& config) {
  return std::ranges::any_of(config.allowed_origins,
                             [&](const std::string& allowed) { return frame::equals_ignoring_case(allowed, origin); });
}

bool is_any_allowed(const Config& config) {
  return std::ranges::find(config.allowed_origins, "*") != config.allowed_origins.end();
}

bool is_listed_host(std::string_view host, const Config& config) {
  return std::ranges::any_of(config.allowed_origins, [&](const std::string& allowed) {
    return allowed == "*" || frame::equals_ignoring_case(authority_of(allowed), host);
  });
}

bool acts(const frame::Request& request) {
  return request.method == "POST" || request.method == "DELETE" || frame::wants_websocket(request) ||
         request.fields.count("Access-Control-Request-Method") > 0;  // a preflight: would it be allowed?
}

}  // namespace

bool is_loopback_host(std::string_view authority) noexcept {
  if (!frame::is_authority(authority)) return false;  // `[::1].evil.example` begins like one
  const std::string_view host = without_port(authority);
  if (frame::equals_ignoring_case(host, "localhost") || host == "[::1]") return true;
  return host.starts_with("127.") && is_dotted_number(host);
}

OriginVerdict judge_origin(const frame::Request& request, const Config& config) {
  const auto origin = request.fields.get("Origin");
  if (!origin) return OriginVerdict::none;
  // A browser names one; of several, which would count?
  const std::string_view authority = request.fields.count("Origin") == 1 ? authority_of(*origin) : std::string_view{};
  if (!authority.empty()) {
    if (frame::equals_ignoring_case(authority, request.host) || is_loopback_host(authority))
      return OriginVerdict::allowed;
    if (is_listed(*origin, config)) return OriginVerdict::allowed;
  }
  return is_any_allowed(config) ? OriginVerdict::by_star : OriginVerdict::refused;
}

std::optional<HttpRefusal> check_origin(const frame::Request& request, const Config& config, ReachedBy reached_by) {
  if (reached_by == ReachedBy::loopback && !request.host.empty() && !is_loopback_host(request.host) &&
      !is_listed_host(request.host, config)) {
    return HttpRefusal{
        403, "host_not_allowed",
        "this broker was reached on a loopback address by a name that is not one; add it to --allowed-origin"};
  }
  if (!acts(request) || judge_origin(request, config) != OriginVerdict::refused) return std::nullopt;
  return HttpRefusal{403, "origin_not_allowed",
                     "pages of this origin may not use this broker; add it to --allowed-origin"};
}

}  // namespace ringcast::broker
