// ResponseBuilder: writes HTTP/1.1 responses, and the JSON bodies of errors (RFC 9112 §4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "frame/http_error.h"

namespace ringcast::frame {

// "OK", "Not Found", …; "Unknown" for a status that we never send.
[[nodiscard]] std::string_view reason_phrase(std::uint16_t status) noexcept;

// Builds one response into a string.
//   ResponseBuilder(200).field("ETag", tag).json(body)
class ResponseBuilder {
 public:
  explicit ResponseBuilder(std::uint16_t status);

  // Adds a field. Requires a token and is_field_value(value): what a peer sent is checked before it comes here.
  ResponseBuilder& field(std::string_view name, std::string_view value);
  ResponseBuilder& field(std::string_view name, std::uint64_t value);

  // End the head, with Content-Length and the body; without a body (HEAD, 304) but with its length; with neither (1xx,
  // 204, 101, a stream). The whole response so far.
  [[nodiscard]] std::string body(std::string_view content_type, std::string_view body);
  [[nodiscard]] std::string json(std::string_view body) { return this->body("application/json", body); }
  [[nodiscard]] std::string head_only(std::string_view content_type, std::size_t body_size);
  [[nodiscard]] std::string no_body();

 private:
  std::string text_;
};

// Appends `text` as a JSON string, with its quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// The body of every error answer: {"status":404,"error":"not_found","message":"…"} and a line feed.
[[nodiscard]] std::string error_body(std::uint16_t status, std::string_view name, std::string_view message);

// A whole error answer. `connection` close: the peer's next bytes cannot be trusted.
enum class After : std::uint8_t { keep_alive, close };
[[nodiscard]] std::string error_response(std::uint16_t status, std::string_view name, std::string_view message,
                                         After after);

// The answer to a request that could not be read: its status, its name, its text, and `Connection: close`; 426 carries
// the fields that RFC 6455 §4.4 and RFC 9110 §15.5.22 ask for.
[[nodiscard]] std::string error_response(HttpError error);
// The same; `head` has that status already, and other fields.
[[nodiscard]] std::string error_response(HttpError error, ResponseBuilder&& head);

}  // namespace ringcast::frame
