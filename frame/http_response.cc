#include "frame/http_response.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>

#include "frame/bytes.h"
#include "frame/hex.h"
#include "frame/http_fields.h"
#include "frame/utf8.h"

namespace ringcast::frame {

namespace {

constexpr std::size_t kUsualSize = 256;  // bytes: most heads fit, so that building one is one allocation

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

// How many bytes the character at the front of `text` has; 0 if it is not UTF-8.
std::size_t character_size(std::string_view text) noexcept {
  for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size) {
    if (is_utf8(as_bytes(text.substr(0, size)))) return size;
  }
  return 0;
}

// JSON's escape of an ASCII character that may not stand as it is (RFC 8259 §7).
void append_escape(std::string& out, char c) {
  if (c == '"' || c == '\\') {
    out.append({'\\', c});
  } else if (c == '\n') {
    out.append("\\n");
  } else {
    const auto byte = static_cast<unsigned char>(c);
    out.append("\\u00");
    out.append({kHexDigits[byte >> 4U], kHexDigits[byte & 0xfU]});
  }
}

constexpr bool needs_escape(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f || c == '"' || c == '\\';
}

struct Phrase {
  std::uint16_t status;
  std::string_view text;
};

constexpr std::array kPhrases{
    Phrase{100, "Continue"},
    Phrase{101, "Switching Protocols"},
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{204, "No Content"},
    Phrase{206, "Partial Content"},
    Phrase{304, "Not Modified"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{406, "Not Acceptable"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{411, "Length Required"},
    Phrase{412, "Precondition Failed"},
    Phrase{413, "Content Too Large"},
    Phrase{414, "URI Too Long"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{417, "Expectation Failed"},
    Phrase{421, "Misdirected Request"},
    Phrase{422, "Unprocessable Content"},
    Phrase{426, "Upgrade Required"},
    Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{502, "Bad Gateway"},
    Phrase{503, "Service Unavailable"},
    Phrase{505, "HTTP Version Not Supported"},
    Phrase{507, "Insufficient Storage"},
};
static_assert(std::ranges::is_sorted(kPhrases, {}, &Phrase::status));

}  // namespace

std::string_view reason_phrase(std::uint16_t status) noexcept {
  const auto* const found = std::ranges::lower_bound(kPhrases, status, {}, &Phrase::status);
  return found != kPhrases.end() && found->status == status ? found->text : "Unknown";
}

ResponseBuilder::ResponseBuilder(std::uint16_t status) {
  assert(status >= 100);
  assert(status <= 599);
  text_.reserve(kUsualSize);
  text_.append("HTTP/1.1 ");
  append_number(text_, status);
  text_.append(" ").append(reason_phrase(status)).append("\r\n");
}

ResponseBuilder& ResponseBuilder::field(std::string_view name, std::string_view value) {
  assert(is_token(name));
  assert(is_field_value(value));
  text_.append(name).append(": ").append(value).append("\r\n");
  return *this;
}

ResponseBuilder& ResponseBuilder::field(std::string_view name, std::uint64_t value) {
  assert(is_token(name));
  text_.append(name).append(": ");
  append_number(text_, value);
  text_.append("\r\n");
  return *this;
}

std::string ResponseBuilder::body(std::string_view content_type, std::string_view body) {
  std::string text = head_only(content_type, body.size());
  text.append(body);
  return text;
}

std::string ResponseBuilder::head_only(std::string_view content_type, std::size_t body_size) {
  field("Content-Type", content_type);
  field("Content-Length", std::uint64_t{body_size});
  return no_body();
}

std::string ResponseBuilder::no_body() {
  text_.append("\r\n");
  return std::move(text_);
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (size == 0) {
      out.append("\xef\xbf\xbd");
    } else if (needs_escape(text[0])) {
      append_escape(out, text[0]);
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out.push_back('"');
}

std::string error_body(std::uint16_t status, std::string_view name, std::string_view message) {
  std::string body = "{\"status\":";
  append_number(body, status);
  body.append(",\"error\":");
  append_json_string(body, name);
  body.append(",\"message\":");
  append_json_string(body, message);
  body.append("}\n");
  return body;
}

std::string error_response(std::uint16_t status, std::string_view name, std::string_view message, After after) {
  ResponseBuilder builder(status);
  if (after == After::close) builder.field("Connection", "close");
  return builder.json(error_body(status, name, message));
}

std::string error_response(HttpError error) {
  return error_response(error, ResponseBuilder(http_status(error)));
}

std::string error_response(HttpError error, ResponseBuilder&& head) {
  ResponseBuilder builder = std::move(head);
  if (error == HttpError::websocket_version) {
    builder.field("Upgrade", "websocket").field("Sec-WebSocket-Version", "13");
    builder.field("Connection", "Upgrade, close");
  } else if (error == HttpError::websocket_version_missing) {
    builder.field("Sec-WebSocket-Version", "13").field("Connection", "close");
  } else {
    if (error == HttpError::upgrade_not_get) builder.field("Allow", "GET");  // RFC 9110 §15.5.6
    builder.field("Connection", "close");
  }
  return builder.json(error_body(http_status(error), name(error), text(error)));
}

}  // namespace ringcast::frame
