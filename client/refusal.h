// Refusal: the broker's "no" over HTTP, as an error for a person.
#pragma once

#include <cstdint>
#include <string_view>

#include "client/error.h"

namespace ringcast::client {

// "refused with 400 Bad Request: …", by the answer's status and body. What no repetition can change is Failure::usage.
[[nodiscard]] Error refusal_error(std::uint16_t status, std::string_view body);

}  // namespace ringcast::client
