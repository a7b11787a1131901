#include "proto/publish_rules.h"

#include <algorithm>
#include <string>

namespace ringcast::proto {

bool is_content_type(std::string_view text) noexcept {
  if (text.starts_with(' ') || text.ends_with(' ')) return false;
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

std::optional<Fault> check_publish(const Publish& publish) {
  if (publish.topic.empty()) return fault(ErrorCode::missing_field, "topic", "is needed");
  if (publish.content_type.size() > kContentTypeBytesMax) {
    return fault(ErrorCode::too_large, "content_type",
                 "is longer than " + std::to_string(kContentTypeBytesMax) + " bytes");
  }
  if (!is_content_type(publish.content_type)) {
    return fault(ErrorCode::bad_value, "content_type", "has a character that no media type has");
  }
  return std::nullopt;
}

}  // namespace ringcast::proto
