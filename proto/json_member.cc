#include "proto/json_member.h"

#include <array>
#include <charconv>
#include <string>

#include "proto/base64.h"
#include "proto/wire_reader.h"

namespace ringcast::proto {

namespace {

constexpr std::array<std::string_view, 3> kOps{"\"set\"", "\"remove\"", "\"event\""};

}  // namespace

std::string_view unescaped(std::string_view raw, MadeText& made) {
  if (!raw.contains('\\')) return raw;
  const std::size_t mark = made.size();
  append_unescaped(raw, made.text());
  return made.since(mark);
}

std::string_view read_name(const JsonCursor& cursor, MadeText& made) {
  return unescaped(cursor.name(), made);
}

std::optional<std::uint64_t> read_integer(std::string_view value) noexcept {
  std::uint64_t integer = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), integer);
  if (error != std::errc{} || end != value.data() + value.size() || integer > kJsonIntegerMax) return std::nullopt;
  return integer;
}

std::optional<std::string_view> read_string(std::string_view value, MadeText& made) {
  if (value.front() != '"') return std::nullopt;
  return unescaped(value.substr(1, value.size() - 2), made);
}

std::optional<Op> read_op(std::string_view value) noexcept {
  for (std::size_t i = 0; i < kOps.size(); ++i) {
    if (value == kOps[i]) return static_cast<Op>(i);
  }
  return std::nullopt;
}

std::optional<Fault> read_headers(JsonCursor& cursor, HeaderCollector& headers, MadeText& made) {
  if (cursor.kind() != '{') return fault(ErrorCode::bad_value, "headers", "must be an object of strings");
  cursor.enter();
  while (cursor.next_member()) {
    const std::string_view name = read_name(cursor, made);
    const auto value = read_string(cursor.value(), made);
    if (!value) return fault(ErrorCode::bad_value, "headers", "must be an object of strings");
    if (auto wrong = headers.add_text({name, *value})) return inside("headers", std::move(*wrong));
  }
  return std::nullopt;
}

std::expected<Payload, Fault> read_payload(Format format, Reading reading, JsonCursor& cursor, MadeText& made) {
  const std::string_view value = cursor.value();
  if (format == Format::json) {
    if (reading == Reading::strict && cursor.depth() > kJsonDepthMax) {
      return std::unexpected(
          fault(ErrorCode::too_large, "json", "is nested deeper than " + std::to_string(kJsonDepthMax)));
    }
    return Payload{.bytes = as_bytes(value), .format = format};
  }
  const auto text = read_string(value, made);
  if (format == Format::text) {
    if (!text) return std::unexpected(fault(ErrorCode::bad_value, "text", "must be a string"));
    return Payload{.bytes = as_bytes(*text), .format = format};
  }
  const std::size_t mark = made.size();
  if (!text || !append_decoded_base64(*text, made.text())) {
    return std::unexpected(fault(ErrorCode::bad_value, "base64", "must be a string of base64 with its padding"));
  }
  return Payload{.bytes = as_bytes(made.since(mark)), .format = format};
}

}  // namespace ringcast::proto
