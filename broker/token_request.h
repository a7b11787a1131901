// TokenRequest: where a request says its token (RFC 6750, and what browsers' WebSocket can say). Pure.
//
// In a browser's WebSocket there are no header fields of one's own: so a token may come as an entry of the offered
// subprotocols, which is never the one that is chosen, or in the query, as EventSource needs it.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "broker/topic_request.h"
#include "frame/http_request.h"

namespace ringcast::broker {

inline constexpr std::string_view kTokenParameter = "token";
inline constexpr std::string_view kTokenSubprotocol = "ringcast.token.";  // and the token

// The request's token; empty: it has none. 400 if it has several: which would count? 401 for another scheme than
// Bearer.
[[nodiscard]] std::expected<std::string, HttpRefusal> find_token(const frame::Request& request);

// Whether the query has no parameter but a token.
[[nodiscard]] bool has_only_token(std::string_view query);

}  // namespace ringcast::broker
