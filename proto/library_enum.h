// The names of enum values in JSON: as in the .proto without the enum's prefix, in lower case. START_LAST_N of Start is
// "last_n"; ERROR_TOO_OLD of ErrorCode is "too_old".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace google::protobuf {
class EnumDescriptor;
class EnumValueDescriptor;
}  // namespace google::protobuf

namespace ringcast::proto {

[[nodiscard]] std::string enum_name(const google::protobuf::EnumValueDescriptor& value);

// The number of the value with this name in JSON.
[[nodiscard]] std::optional<int> enum_number(const google::protobuf::EnumDescriptor& type, std::string_view name);

}  // namespace ringcast::proto
