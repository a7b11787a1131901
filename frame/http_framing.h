// Framing: how the end of an HTTP message's body is known, decided once and strictly (RFC 9112 §6).
//
// Whatever two servers in a row might decide differently is refused: that is how requests are smuggled.
#pragma once

#include <cstdint>
#include <expected>

#include "frame/http_error.h"
#include "frame/http_fields.h"

namespace ringcast::frame {

struct Framing {
  enum class Kind : std::uint8_t {
    none,         // no body
    length,       // Content-Length
    chunked,      // Transfer-Encoding: chunked
    until_close,  // a response with neither: ends with the connection
  };

  Kind kind = Kind::none;
  std::uint64_t length = 0;  // bytes

  friend bool operator==(const Framing&, const Framing&) = default;
};

// The framing of a request of HTTP/1.`version_minor`; none without a Content-Length and Transfer-Encoding (§6.3 (7)).
[[nodiscard]] std::expected<Framing, HttpError> request_framing(const Fields& fields, std::uint8_t version_minor);

// The framing of a response with that status to GET or POST (§6.3 (1), (8)).
[[nodiscard]] std::expected<Framing, HttpError> response_framing(const Fields& fields, std::uint8_t version_minor,
                                                                 std::uint16_t status);

// Whether the connection stays open after the message (RFC 9112 §9.3).
[[nodiscard]] bool is_keep_alive(const Fields& fields, std::uint8_t version_minor);

}  // namespace ringcast::frame
