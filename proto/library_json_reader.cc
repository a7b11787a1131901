#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <charconv>
#include <set>
#include <string>

#include "proto/json_member.h"
#include "proto/library_enum.h"
#include "proto/library_json.h"
#include "proto/request_rules.h"

namespace ringcast::proto {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// The value of one field that is about to be set, or added to a repeated one: as the element behind `count` others.
struct Target {
  Message& message;
  const Reflection& reflection;
  const FieldDescriptor& field;
  Reading reading;
  MadeText& made;
  std::uint32_t count = 0;
};

std::optional<double> read_number(std::string_view value) noexcept {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size()) return std::nullopt;
  return number;
}

std::optional<Fault> bad(const Target& to, std::string_view text) {
  return fault(ErrorCode::bad_value, to.field.name(), text);
}

std::optional<Fault> set_integer(std::string_view value, const Target& to) {
  const bool is_32_bits = to.field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32;
  const auto integer = read_integer(value);
  if (!integer || (is_32_bits && *integer > UINT32_MAX)) {
    return bad(to, is_32_bits ? "must be an integer from 0 to 2^32-1" : "must be an integer from 0 to 2^53-1");
  }
  if (is_32_bits) {
    to.reflection.SetUInt32(&to.message, &to.field, static_cast<std::uint32_t>(*integer));
  } else if (to.field.is_repeated()) {
    to.reflection.AddUInt64(&to.message, &to.field, *integer);
  } else {
    to.reflection.SetUInt64(&to.message, &to.field, *integer);
  }
  return std::nullopt;
}

std::optional<Fault> set_bool(std::string_view value, const Target& to) {
  if (value != "true" && value != "false") return bad(to, "must be true or false");
  to.reflection.SetBool(&to.message, &to.field, value == "true");
  return std::nullopt;
}

std::optional<Fault> set_double(std::string_view value, const Target& to) {
  const auto number = read_number(value);
  if (!number) return bad(to, "must be a number");
  to.reflection.SetDouble(&to.message, &to.field, *number);
  return std::nullopt;
}

std::optional<Fault> set_string(std::string_view value, const Target& to) {
  const auto text = read_string(value, to.made);
  if (!text) return bad(to, "must be a string");
  if (to.field.is_repeated()) {
    to.reflection.AddString(&to.message, &to.field, std::string(*text));
  } else {
    to.reflection.SetString(&to.message, &to.field, std::string(*text));
  }
  return std::nullopt;
}

// A client takes a name that it does not know for the first of the enum.
std::optional<Fault> set_enum(std::string_view value, const Target& to) {
  const auto text = read_string(value, to.made);
  if (!text) return bad(to, "must be a name");
  const auto number = enum_number(*to.field.enum_type(), *text);
  if (!number && to.reading == Reading::strict) return bad(to, "cannot be " + std::string(shortened(*text)));
  to.reflection.SetEnumValue(&to.message, &to.field, number.value_or(0));
  return std::nullopt;
}

std::optional<Fault> set_message(JsonCursor& cursor, const Target& to) {
  const bool is_element = to.field.is_repeated();
  Message& message = is_element ? *to.reflection.AddMessage(&to.message, &to.field)
                                : *to.reflection.MutableMessage(&to.message, &to.field);
  auto wrong = read_json(cursor, to.reading, to.made, message);
  if (!wrong) return std::nullopt;
  const std::string index = is_element ? "[" + std::to_string(to.count) + "]" : "";
  return inside(to.field.name() + index, std::move(*wrong));
}

std::optional<Fault> set_value(JsonCursor& cursor, const Target& to) {
  switch (to.field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return set_integer(cursor.value(), to);
    case FieldDescriptor::CPPTYPE_BOOL:
      return set_bool(cursor.value(), to);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return set_double(cursor.value(), to);
    case FieldDescriptor::CPPTYPE_STRING:
      return set_string(cursor.value(), to);
    case FieldDescriptor::CPPTYPE_ENUM:
      return set_enum(cursor.value(), to);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return set_message(cursor, to);
    default:
      return bad(to, "has a type that JSON cannot carry");  // the .proto has none
  }
}

std::optional<Fault> set_values(JsonCursor& cursor, Target to) {
  if (!to.field.is_repeated()) return set_value(cursor, to);
  if (cursor.kind() != '[') return bad(to, "must be an array");
  cursor.enter();
  for (; cursor.next_element(); ++to.count) {
    if (to.reading == Reading::strict && to.count == elements_max(to.field.name())) return too_many(to.field.name());
    if (auto wrong = set_value(cursor, to)) return wrong;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Fault> read_json(JsonCursor& cursor, Reading reading, MadeText& made, Message& message) {
  if (cursor.kind() != '{') return fault(ErrorCode::bad_value, "", "must be an object");
  std::set<int> seen;
  cursor.enter();
  while (cursor.next_member()) {
    const std::string_view name = read_name(cursor, made);
    const FieldDescriptor* const field = message.GetDescriptor()->FindFieldByName(std::string(name));
    if (field == nullptr) {
      if (reading == Reading::strict) return fault(ErrorCode::unknown_field, shortened(name), "does not exist");
      (void)cursor.value();
      continue;
    }
    if (!seen.insert(field->number()).second) return fault(ErrorCode::bad_value, field->name(), "occurs twice");
    if (auto wrong = set_values(cursor, {message, *message.GetReflection(), *field, reading, made})) return wrong;
  }
  return std::nullopt;
}

}  // namespace ringcast::proto
