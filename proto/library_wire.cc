#include "proto/library_wire.h"

#include <google/protobuf/descriptor.h>

#include <map>
#include <string>

#include "proto/json_text.h"
#include "proto/request_rules.h"
#include "proto/wire_reader.h"

namespace ringcast::proto {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

WireType wire_type(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return WireType::bytes;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return WireType::fixed64;
    case FieldDescriptor::CPPTYPE_FLOAT:
      return WireType::fixed32;
    default:
      return field.is_packed() ? WireType::bytes : WireType::varint;
  }
}

// Can a field of this type have this value? Negative enum values come as 64 bits.
bool is_in_range(const FieldDescriptor& field, std::uint64_t value) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return value <= UINT32_MAX;
    case FieldDescriptor::CPPTYPE_BOOL:
      return value <= 1;
    case FieldDescriptor::CPPTYPE_ENUM:
      return value <= INT32_MAX && field.enum_type()->FindValueByNumber(static_cast<int>(value)) != nullptr;
    default:
      return true;
  }
}

// What faults call the `count`th message in a field: the third of a repeated one is "received[2]".
std::string place(const FieldDescriptor& field, std::uint32_t count) {
  return field.is_repeated() ? field.name() + "[" + std::to_string(count - 1) + "]" : field.name();
}

// The value of the reader's current field, which is `field` with the right wire type, for the `count`th time.
std::optional<Fault> check_value(const FieldDescriptor& field, std::uint32_t count, WireReader& reader,
                                 Reading reading) {
  if (reader.type() == WireType::varint) {
    const std::uint64_t value = reader.varint();
    if (reading == Reading::tolerant || is_in_range(field, value)) return std::nullopt;
    return fault(ErrorCode::bad_value, field.name(), "cannot be " + std::to_string(value));
  }
  if (reader.type() != WireType::bytes) {
    reader.skip();
    return std::nullopt;
  }
  const Bytes value = reader.bytes();
  if (field.type() == FieldDescriptor::TYPE_STRING && !is_utf8(as_text(value))) {
    return fault(ErrorCode::malformed, field.name(), "is not UTF-8");
  }
  if (field.type() == FieldDescriptor::TYPE_MESSAGE) {
    if (auto wrong = check_wire(*field.message_type(), value, reading)) {
      return inside(place(field, count), std::move(*wrong));
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Fault> check_wire(const Descriptor& type, Bytes body, Reading reading) {
  std::map<int, std::uint32_t> seen;
  WireReader reader(body);
  while (reader.next()) {
    const FieldDescriptor* const field = type.FindFieldByNumber(static_cast<int>(reader.number()));
    const bool fits = field != nullptr && reader.type() == wire_type(*field);
    const std::uint32_t count = fits ? ++seen[field->number()] : 0;
    if (reading == Reading::strict) {
      if (field == nullptr) {
        return fault(ErrorCode::unknown_field, std::to_string(reader.number()), "does not exist");
      }
      if (!fits) return fault(ErrorCode::malformed, field->name(), "has the wrong wire type");
      if (count > 1 && !field->is_repeated()) return fault(ErrorCode::bad_value, field->name(), "occurs twice");
      if (field->is_repeated() && count > elements_max(field->name())) return too_many(field->name());
    }
    if (!fits) {
      reader.skip();
    } else if (auto wrong = check_value(*field, count, reader, reading)) {
      return wrong;
    }
  }
  if (reader.broken()) return fault(ErrorCode::malformed, "", "is cut or broken");
  return std::nullopt;
}

}  // namespace ringcast::proto
