#include "proto/library_enum.h"

#include <google/protobuf/descriptor.h>

namespace ringcast::proto {

namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;

bool is_lower(char c) noexcept {
  return c >= 'a' && c <= 'z';
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// What all values begin with: OnLag's with ON_LAG_, ErrorCode's with ERROR_, which is less than the enum's name.
std::string prefix(const EnumDescriptor& type) {
  const std::string& first = type.value(0)->name();
  std::string words;
  for (const char c : type.name()) {
    if (!is_lower(c) && !words.empty()) words += '_';
    words += is_lower(c) ? static_cast<char>(c - ('a' - 'A')) : c;
  }
  words += '_';
  if (first.starts_with(words)) return words;
  return first.substr(0, first.find('_') + 1);
}

}  // namespace

std::string enum_name(const EnumValueDescriptor& value) {
  std::string name = value.name().substr(prefix(*value.type()).size());
  for (char& c : name) c = lower(c);
  return name;
}

std::optional<int> enum_number(const EnumDescriptor& type, std::string_view name) {
  for (int i = 0; i < type.value_count(); ++i) {
    if (enum_name(*type.value(i)) == name) return type.value(i)->number();
  }
  return std::nullopt;
}

}  // namespace ringcast::proto
