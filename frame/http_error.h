// HttpError: every way in which an HTTP/1.1 message can be wrong, and the status that answers it (RFC 9110, RFC 9112).
#pragma once

#include <cstdint>
#include <string_view>

namespace ringcast::frame {

// The comment is the rule that was broken; RFC 9112 unless another is named.
enum class HttpError : std::uint8_t {
  tls_hello,                   // a TLS record on the plain port
  bad_method,                  // RFC 9110 §9.1: a token
  method_not_implemented,      // RFC 9110 §15.6.2: CONNECT, whose target is no path
  method_too_long,             // RFC 9110 §15.6.2: not a method that anybody implements
  bad_target,                  // §3.2: origin-form, absolute-form, or `*` for OPTIONS
  target_too_long,             // §3: the request line has a limit
  bad_version,                 // §2.3: HTTP/ digit . digit
  version_not_supported,       // RFC 9110 §15.6.6
  bad_status_line,             // §4: of a response
  bare_line_feed,              // §2.2: LF without CR ends nothing here
  bare_carriage_return,        // §2.2: CR without LF is invalid
  folded_line,                 // §5.2: obs-fold
  bad_field_name,              // §5.1: a token, directly followed by a colon
  space_before_colon,          // §5.1: used to smuggle
  bad_field_value,             // RFC 9110 §5.5: no control characters
  head_too_large,              // RFC 6585 §5
  too_many_fields,             // RFC 6585 §5
  missing_host,                // §3.2
  duplicate_host,              // §3.2
  bad_host,                    // §3.2: host [":" port]
  bad_content_length,          // §6.3: digits
  duplicate_content_length,    // §6.3: even equal ones are not needed by anybody honest
  content_length_and_chunked,  // §6.3: used to smuggle
  bad_transfer_encoding,       // §6.1: `chunked` once and last, and never in HTTP/1.0
  unknown_transfer_encoding,   // §6.1: a coding that we do not have
  unknown_expectation,         // RFC 9110 §10.1.1
  body_too_large,              // RFC 9110 §15.5.14
  bad_chunk_size,              // §7.1: hexadecimal digits
  bad_chunk_extension,         // §7.1.1: bounded, no control characters
  bad_chunk_end,               // §7.1: CRLF after the data of a chunk
  trailers_too_large,          // §7.1.2
  upgrade_not_get,             // RFC 6455 §4.2.1 (1)
  upgrade_version,             // RFC 6455 §4.2.1 (1): HTTP/1.1 or higher
  upgrade_missing,             // RFC 6455 §4.2.1 (3): Upgrade: websocket
  upgrade_connection,          // RFC 6455 §4.2.1 (4): Connection: upgrade
  upgrade_with_body,           // RFC 9110 §7.8: what follows the head would be taken for frames
  websocket_key_missing,       // RFC 6455 §4.2.1 (5)
  websocket_key,               // RFC 6455 §4.2.1 (5): one, base64 of 16 bytes
  websocket_version_missing,   // RFC 6455 §4.2.1 (6)
  websocket_version,           // RFC 6455 §4.2.2 (4): 13, answered with 426
  websocket_protocol,          // RFC 6455 §4.1 (10): tokens, each once
  websocket_extensions,        // RFC 6455 §9.1
};

// The HTTP status that answers it: 400, 413, 414, 417, 426, 431, 501 or 505; 502 for what only a server can get wrong.
[[nodiscard]] std::uint16_t http_status(HttpError error) noexcept;

// Its name as it stands above, for machines: "bare_line_feed".
[[nodiscard]] std::string_view name(HttpError error) noexcept;

// A short sentence for people, without a dot at its end.
[[nodiscard]] std::string_view text(HttpError error) noexcept;

}  // namespace ringcast::frame
