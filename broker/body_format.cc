#include "broker/body_format.h"

#include <simdjson.h>

#include "frame/http_fields.h"
#include "frame/utf8.h"

namespace ringcast::broker {

namespace {

// "application/json; charset=utf-8" -> "application/json"
std::string_view essence(std::string_view content_type) noexcept {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ') || content_type.ends_with('\t')) content_type.remove_suffix(1);
  return content_type;
}

bool is_json(topics::Bytes body) {
  // simdjson reads past the end: a padded copy, off the hot path.
  const simdjson::padded_string copy(reinterpret_cast<const char*>(body.data()), body.size());
  simdjson::dom::parser parser;
  return parser.parse(copy).error() == simdjson::SUCCESS;
}

}  // namespace

bool is_untyped(std::string_view content_type) noexcept {
  const std::string_view type = essence(content_type);
  return type.empty() || frame::equals_ignoring_case(type, "application/x-www-form-urlencoded");
}

std::expected<topics::Format, HttpRefusal> body_format(std::string_view content_type, topics::Bytes body) {
  using topics::Format;
  const std::string_view type = essence(content_type);
  if (is_untyped(content_type))
    return is_json(body) ? Format::json : frame::is_utf8(body) ? Format::text : Format::binary;
  if (frame::equals_ignoring_case(type, "application/json") || type.ends_with("+json")) {
    if (is_json(body)) return Format::json;
    return std::unexpected(HttpRefusal{400, "bad_json", "Content-Type says JSON, but the body does not parse as JSON"});
  }
  if (type.starts_with("text/")) {
    if (frame::is_utf8(body)) return Format::text;
    return std::unexpected(HttpRefusal{400, "bad_text", "Content-Type says text, but the body is not UTF-8"});
  }
  return Format::binary;
}

std::string_view default_content_type(topics::Format format) noexcept {
  switch (format) {
    case topics::Format::json:
      return "application/json";
    case topics::Format::text:
      return "text/plain; charset=utf-8";
    case topics::Format::binary:
      return "application/octet-stream";
  }
  return {};
}

}  // namespace ringcast::broker
