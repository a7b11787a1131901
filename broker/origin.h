// Origin: whether a browser page may talk to this broker (cross-site WebSocket hijacking, DNS rebinding). Pure.
//
// Browsers say on which page a script runs (Origin), and let any page open a WebSocket or send a simple POST anywhere;
// so upgrades, POST, DELETE and the preflights of such requests are checked here. Programs send no Origin and pass:
// they have no user's cookies or network.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/config.h"
#include "broker/topic_request.h"
#include "frame/http_request.h"

namespace ringcast::broker {

// Whether the client reached us on a loopback address: then only loopback names can be meant by its Host.
enum class ReachedBy : std::uint8_t { loopback, other };

enum class OriginVerdict : std::uint8_t {
  none,     // the request names no origin: no browser's page sent it
  allowed,  // the same host and port as Host; a loopback host on any port; one of config.allowed_origins
  by_star,  // only because config.allowed_origins holds `*`
  refused,
};

// What the request's Origin says of the page that sent it (the web's same-origin policy, seen from here).
[[nodiscard]] OriginVerdict judge_origin(const frame::Request& request, const Config& config);

// "localhost", 127.0.0.0/8, "[::1]", with or without a port: names that only mean this machine.
[[nodiscard]] bool is_loopback_host(std::string_view authority) noexcept;

// 403 if the page's origin, or the name by which it reached us, is not allowed; nothing if it is.
[[nodiscard]] std::optional<HttpRefusal> check_origin(const frame::Request& request, const Config& config,
                                                      ReachedBy reached_by);

}  // namespace ringcast::broker
