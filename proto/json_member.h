// The values of members as the JSON form has them, each from its text in a JsonCursor. Nothing is taken for something
// else: no integer from 1.0, no text from null.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "proto/fault.h"
#include "proto/header_collector.h"
#include "proto/json_cursor.h"
#include "proto/made_text.h"
#include "proto/request.h"

namespace ringcast::proto {

// What a string stands for, given without its quotes; from `made` if it has escapes.
[[nodiscard]] std::string_view unescaped(std::string_view raw, MadeText& made);

// The member's name without escapes; from `made` if it has any.
[[nodiscard]] std::string_view read_name(const JsonCursor& cursor, MadeText& made);

// An integer from 0 to kJsonIntegerMax, written as one.
[[nodiscard]] std::optional<std::uint64_t> read_integer(std::string_view value) noexcept;

// A string; from `made` if it has escapes.
[[nodiscard]] std::optional<std::string_view> read_string(std::string_view value, MadeText& made);

// Reads members of an object that are integers or strings, as above: each into a field of what is being read. A fault
// says what the member must be.
struct MemberReader {
  JsonCursor& cursor;  // at the member's value
  MadeText& strings;

  [[nodiscard]] std::optional<Fault> read_number(std::string_view name, std::uint64_t& to) const {
    const auto value = read_integer(cursor.value());
    if (!value) return fault(ErrorCode::bad_value, name, "must be an integer from 0 to 2^53-1");
    to = *value;
    return std::nullopt;
  }
  [[nodiscard]] std::optional<Fault> read_text(std::string_view name, std::string_view& to) const {
    const auto value = read_string(cursor.value(), strings);
    if (!value) return fault(ErrorCode::bad_value, name, "must be a string");
    to = *value;
    return std::nullopt;
  }
};

// One of the names of Op; nothing else.
[[nodiscard]] std::optional<Op> read_op(std::string_view value) noexcept;

// The object of strings that the cursor is at. Faults are relative to the message.
[[nodiscard]] std::optional<Fault> read_headers(JsonCursor& cursor, HeaderCollector& headers, MadeText& made);

// A payload is one of three members; which one says its format.
struct Payload {
  Bytes bytes;
  Format format = Format::binary;
};

// The member "json", "text" or "base64" (`format` says which) that the cursor is at. A client takes what is deeper
// than kJsonDepthMax.
[[nodiscard]] std::expected<Payload, Fault> read_payload(Format format, Reading reading, JsonCursor& cursor,
                                                         MadeText& made);

}  // namespace ringcast::proto
