// What is written out by hand in C++ against the .proto itself, read as its descriptors.
#include <doctest/doctest.h>
#include <google/protobuf/descriptor.h>

#include <string>

#include "proto/envelope.h"
#include "proto/error_code.h"
#include "proto/library_enum.h"

using namespace ringcast::proto;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;

namespace {

const Descriptor& message_type(const std::string& name) {
  return *DescriptorPool::generated_pool()->FindMessageTypeByName("ringcast.v1." + name);
}

const EnumDescriptor& enum_type(const std::string& name) {
  return *DescriptorPool::generated_pool()->FindEnumTypeByName("ringcast.v1." + name);
}

}  // namespace

TEST_CASE("the envelopes' names are those of the .proto") {
  const auto check = [](const Descriptor& type, const auto& names, auto name_of) {
    CHECK(type.field_count() == static_cast<int>(names.size()) - 1);
    for (int i = 0; i < type.field_count(); ++i) {
      CHECK(name_of(static_cast<std::uint32_t>(type.field(i)->number())) == type.field(i)->name());
    }
    CHECK(name_of(static_cast<std::uint32_t>(names.size())).empty());
  };
  check(message_type("ClientMessage"), kRequestNames, request_name);
  check(message_type("ServerMessage"), kEventNames, event_name);
}

TEST_CASE("the error codes' names are those of the .proto in JSON") {
  const EnumDescriptor& type = enum_type("ErrorCode");
  for (int i = 0; i < type.value_count(); ++i) {
    CHECK(name(static_cast<ErrorCode>(type.value(i)->number())) == enum_name(*type.value(i)));
  }
  CHECK(name(static_cast<ErrorCode>(type.value_count())) == "unspecified");
}

TEST_CASE("enum values are called in JSON as in the .proto, without the prefix") {
  const struct {
    const char* type;
    const char* first;
    const char* last;
  } cases[]{{"Start", "now", "resume"},        {"Delivery", "unspecified", "latest"},
            {"OnLag", "unspecified", "close"}, {"Op", "set", "event"},
            {"Format", "binary", "json"},      {"Mark", "live", "replay"},
            {"Resumed", "unspecified", "gap"}, {"ErrorCode", "unspecified", "token_refused"}};
  for (const auto& one : cases) {
    CAPTURE(one.type);
    const EnumDescriptor& type = enum_type(one.type);
    CHECK(enum_name(*type.value(0)) == one.first);
    CHECK(enum_name(*type.value(type.value_count() - 1)) == one.last);
    for (int i = 0; i < type.value_count(); ++i) {
      CHECK(enum_number(type, enum_name(*type.value(i))) == type.value(i)->number());
      CHECK_FALSE(enum_number(type, type.value(i)->name()).has_value());
    }
  }
}
