// Cors: what a page of another origin may do here and read of the answers (the Fetch standard's CORS protocol). Pure.
//
// Which origins: those of broker/origin.h. Credentials are never allowed: nothing here goes by cookies.
#pragma once

#include <string>
#include <string_view>

#include "broker/config.h"
#include "frame/http_request.h"
#include "frame/http_response.h"

namespace ringcast::broker {

// What Access-Control-Allow-Origin says to a request: its Origin if that is allowed, `*` if all are; empty if it has
// none, or one that is not.
[[nodiscard]] std::string granted_origin(const frame::Request& request, const Config& config);

// Appends what every answer of the client port says about origins. `granted` is granted_origin() of its request.
void append_cors(frame::ResponseBuilder& builder, std::string_view granted);

// True for a question that browsers ask before they let a page send something (`OPTIONS`, with an origin and a method).
[[nodiscard]] bool is_preflight(const frame::Request& request);

// Appends its answer, besides append_cors(): these methods, and whatever fields it asks for.
void append_preflight(frame::ResponseBuilder& builder, const frame::Request& request, std::string_view methods);

}  // namespace ringcast::broker
