#include "frame/http_error.h"

#include <array>
#include <cassert>
#include <cstddef>
#include <utility>

namespace ringcast::frame {

namespace {

struct Entry {
  HttpError error;
  std::uint16_t status;
  std::string_view name;
  std::string_view text;
};

using enum HttpError;

constexpr std::array kEntries{
    Entry{tls_hello, 400, "tls_hello", "this port speaks plain HTTP and a TLS handshake came: use http:// and ws://"},
    Entry{bad_method, 400, "bad_method", "the request does not begin with a method"},
    Entry{method_not_implemented, 501, "method_not_implemented", "this is no proxy: there is no CONNECT"},
    Entry{method_too_long, 501, "method_too_long", "no such method"},
    Entry{bad_target, 400, "bad_target", "the request target is neither a path nor an absolute http URL"},
    Entry{target_too_long, 414, "target_too_long", "the request target is too long"},
    Entry{bad_version, 400, "bad_version", "the request line does not end with HTTP/1.1"},
    Entry{version_not_supported, 505, "version_not_supported", "only HTTP/1.0 and HTTP/1.1 are spoken here"},
    Entry{bad_status_line, 502, "bad_status_line", "the response does not begin with an HTTP/1.x status line"},
    Entry{bare_line_feed, 400, "bare_line_feed", "a line ends with LF alone"},
    Entry{bare_carriage_return, 400, "bare_carriage_return", "a CR without an LF"},
    Entry{folded_line, 400, "folded_line", "a header field is folded over two lines"},
    Entry{bad_field_name, 400, "bad_field_name", "a header field's name is not a token followed by a colon"},
    Entry{space_before_colon, 400, "space_before_colon", "white space between a header field's name and its colon"},
    Entry{bad_field_value, 400, "bad_field_value", "a control character in a header field"},
    Entry{head_too_large, 431, "head_too_large", "the header fields are too large"},
    Entry{too_many_fields, 431, "too_many_fields", "too many header fields"},
    Entry{missing_host, 400, "missing_host", "the Host field is missing"},
    Entry{duplicate_host, 400, "duplicate_host", "more than one Host field"},
    Entry{bad_host, 400, "bad_host", "the Host field is not host[:port]"},
    Entry{bad_content_length, 400, "bad_content_length", "Content-Length is not a number of bytes"},
    Entry{duplicate_content_length, 400, "duplicate_content_length", "more than one Content-Length"},
    Entry{content_length_and_chunked, 400, "content_length_and_chunked", "both Content-Length and Transfer-Encoding"},
    Entry{bad_transfer_encoding, 400, "bad_transfer_encoding", "Transfer-Encoding is not chunked, once and last"},
    Entry{unknown_transfer_encoding, 501, "unknown_transfer_encoding", "the only transfer coding here is chunked"},
    Entry{unknown_expectation, 417, "unknown_expectation", "the only expectation here is 100-continue"},
    Entry{body_too_large, 413, "body_too_large", "the body is too large"},
    Entry{bad_chunk_size, 400, "bad_chunk_size", "a chunk's size is not a hexadecimal number"},
    Entry{bad_chunk_extension, 400, "bad_chunk_extension", "a chunk's extension is malformed or too long"},
    Entry{bad_chunk_end, 400, "bad_chunk_end", "a chunk's data do not end with CRLF"},
    Entry{trailers_too_large, 431, "trailers_too_large", "the trailer fields are too large"},
    Entry{upgrade_not_get, 405, "upgrade_not_get", "a WebSocket is opened with GET"},
    Entry{upgrade_version, 400, "upgrade_version", "a WebSocket is opened with HTTP/1.1"},
    Entry{upgrade_missing, 400, "upgrade_missing", "Upgrade does not name websocket"},
    Entry{upgrade_connection, 400, "upgrade_connection", "Connection does not name Upgrade"},
    Entry{upgrade_with_body, 400, "upgrade_with_body", "a request that opens a WebSocket has no body"},
    Entry{websocket_key_missing, 400, "websocket_key_missing", "Sec-WebSocket-Key is missing"},
    Entry{websocket_key, 400, "websocket_key", "Sec-WebSocket-Key is not one base64 of 16 bytes"},
    Entry{websocket_version_missing, 400, "websocket_version_missing", "Sec-WebSocket-Version is missing"},
    Entry{websocket_version, 426, "websocket_version", "the only Sec-WebSocket-Version here is 13"},
    Entry{websocket_protocol, 400, "websocket_protocol", "Sec-WebSocket-Protocol is not a list of different tokens"},
    Entry{websocket_extensions, 400, "websocket_extensions", "Sec-WebSocket-Extensions is malformed"},
};

consteval bool in_order() {
  for (std::size_t i = 0; i < kEntries.size(); ++i) {
    if (std::to_underlying(kEntries[i].error) != i) return false;
  }
  return true;
}
static_assert(in_order(), "the table is indexed by the enumerators");
static_assert(kEntries.size() == std::to_underlying(websocket_extensions) + std::size_t{1}, "one entry for each");

const Entry& entry(HttpError error) noexcept {
  assert(std::to_underlying(error) < kEntries.size());
  return kEntries[std::to_underlying(error)];
}

}  // namespace

std::uint16_t http_status(HttpError error) noexcept {
  return entry(error).status;
}
std::string_view name(HttpError error) noexcept {
  return entry(error).name;
}
std::string_view text(HttpError error) noexcept {
  return entry(error).text;
}

}  // namespace ringcast::frame
