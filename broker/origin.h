// Origin: whether a browser page may talk to this broker (cross-site WebSocket hijacking, DNS rebinding). Pure.
//
// Browsers say on which page a script runs (Origin), and let any page open a WebSocket or send a simple POST anywhere;
// so upgrades, POST and DELETE are checked here. Programs send no Origin and pass: they have no user's cookies or
// network.
#pragma once

#include <optional>
#include <string_view>

#include "broker/config.h"
#include "broker/topic_request.h"
#include "frame/http_request.h"

namespace ringcast::broker {

// Whether the client reached us on a loopback address: then only loopback names can be meant by its Host.
enum class ReachedBy : std::uint8_t { loopback, other };

// 403 if the page's origin, or the name by which it reached us, is not allowed; nothing if it is.
// Allowed are: no Origin; the same host and port as Host; loopback hosts on any port; config.allowed_origins.
[[nodiscard]] std::optional<HttpRefusal> check_origin(const frame::Request& request, const Config& config,
                                                      ReachedBy reached_by);

}  // namespace ringcast::broker
