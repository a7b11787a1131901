#include "frame/http_framing.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

namespace ringcast::frame {

namespace {

// Digits and nothing else: neither sign, nor list, nor white space (RFC 9110 §8.6).
std::expected<std::uint64_t, HttpError> content_length(std::string_view value) noexcept {
  if (value.empty() || !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::unexpected(HttpError::bad_content_length);
  }
  std::uint64_t length = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), length);
  if (parsed.ec != std::errc()) return std::unexpected(HttpError::body_too_large);
  return length;
}

// `chunked`, once and alone; anything else has no end that everybody agrees on (RFC 9112 §6.1).
std::expected<void, HttpError> check_transfer_encoding(const Fields& fields, std::uint8_t version_minor) {
  if (version_minor == 0) return std::unexpected(HttpError::bad_transfer_encoding);
  const std::vector<std::string_view> codings = fields.list("Transfer-Encoding");
  const auto is_chunked = [](std::string_view coding) { return equals_ignoring_case(coding, "chunked"); };
  if (codings.empty() || std::ranges::count_if(codings, is_chunked) > 1) {
    return std::unexpected(HttpError::bad_transfer_encoding);
  }
  if (codings.size() == 1 && is_chunked(codings.front())) return {};
  // With chunked last it is only that we lack the coding; otherwise the body would have no end.
  const bool ends = is_chunked(codings.back()) || std::ranges::none_of(codings, is_chunked);
  return std::unexpected(ends ? HttpError::unknown_transfer_encoding : HttpError::bad_transfer_encoding);
}

// What the two fields say; none if neither is there.
std::expected<Framing, HttpError> explicit_framing(const Fields& fields, std::uint8_t version_minor) {
  const bool coded = fields.count("Transfer-Encoding") > 0;
  const std::size_t lengths = fields.count("Content-Length");
  if (coded && lengths > 0) return std::unexpected(HttpError::content_length_and_chunked);
  if (coded) {
    const auto checked = check_transfer_encoding(fields, version_minor);
    if (!checked) return std::unexpected(checked.error());
    return Framing{.kind = Framing::Kind::chunked};
  }
  if (lengths == 0) return Framing{};
  if (lengths > 1) return std::unexpected(HttpError::duplicate_content_length);
  const auto length = content_length(fields.get("Content-Length").value_or(""));
  if (!length) return std::unexpected(length.error());
  return Framing{.kind = Framing::Kind::length, .length = *length};
}

}  // namespace

std::expected<Framing, HttpError> request_framing(const Fields& fields, std::uint8_t version_minor) {
  return explicit_framing(fields, version_minor);
}

std::expected<Framing, HttpError> response_framing(const Fields& fields, std::uint8_t version_minor,
                                                   std::uint16_t status) {
  auto framing = explicit_framing(fields, version_minor);
  if (!framing) return framing;
  if (status < 200 || status == 204 || status == 304) return Framing{};
  if (framing->kind == Framing::Kind::none) framing->kind = Framing::Kind::until_close;
  return framing;
}

bool is_keep_alive(const Fields& fields, std::uint8_t version_minor) {
  if (fields.has_token("Connection", "close")) return false;
  return version_minor == 1 || fields.has_token("Connection", "keep-alive");
}

}  // namespace ringcast::frame
