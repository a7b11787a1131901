// Operators' port: one question to a broker's port for operators, and its answer.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "client/error.h"
#include "client/url.h"

namespace ringcast::client {

inline constexpr const char* kDefaultAdminUrl = "http://127.0.0.1:9090";

// The body of the answer. Any status but 2xx is Failure::refused, with the sentence that the broker said. A POST says
// that it is meant. Blocks for `timeout_ms` at most.
[[nodiscard]] std::expected<std::string, Error> ask_operators_port(const Url& url, std::string_view method,
                                                                   std::string_view path, std::int64_t timeout_ms);

}  // namespace ringcast::client
