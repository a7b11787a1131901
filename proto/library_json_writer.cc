#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cassert>
#include <string>
#include <vector>

#include "proto/library_enum.h"
#include "proto/library_json.h"

namespace ringcast::proto {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void write_value(const Message& message, const FieldDescriptor& field, JsonWriter& json) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return json.integer(reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return json.integer(reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return json.raw(reflection.GetBool(message, &field) ? "true" : "false");
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return json.number(reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return json.string(reflection.GetString(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return json.string(enum_name(*reflection.GetEnum(message, &field)));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return write_json(reflection.GetMessage(message, &field), json);
    default:
      assert(false && "the .proto has no field of this type");
  }
}

void write_element(const Message& message, const FieldDescriptor& field, int index, JsonWriter& json) {
  const Reflection& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    return json.integer(reflection.GetRepeatedUInt64(message, &field, index));
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return write_json(reflection.GetRepeatedMessage(message, &field, index), json);
  }
  assert(field.cpp_type() == FieldDescriptor::CPPTYPE_STRING);
  json.string(reflection.GetRepeatedString(message, &field, index));
}

void write_elements(const Message& message, const FieldDescriptor& field, JsonWriter& json) {
  json.raw("[");
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    if (i > 0) json.raw(",");
    write_element(message, field, i, json);
  }
  json.raw("]");
}

}  // namespace

void write_json(const Message& message, JsonWriter& json) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);  // those that are not default, in rising order
  json.raw("{");
  for (const FieldDescriptor* const field : fields) {
    if (field != fields.front()) json.raw(",");
    json.string(field->name());
    json.raw(":");
    if (field->is_repeated()) {
      write_elements(message, *field, json);
    } else {
      write_value(message, *field, json);
    }
  }
  json.raw("}");
}

}  // namespace ringcast::proto
