// AcceptEncoding: in which coding a client wants to be sent a file (RFC 9110 §12.5.3). Pure.
#pragma once

#include <span>
#include <string_view>

#include "frame/http_fields.h"

namespace ringcast::broker {

// The index in `codings` ("br", "gzip"; the best first) of the one that Accept-Encoding gives the highest weight, the
// first of equals. Nothing to be encoded (-1) if it prefers none of them, or does not ask.
[[nodiscard]] int choose_coding(const frame::Fields& fields, std::span<const std::string_view> codings);

}  // namespace ringcast::broker
