// What a published HTTP body is: decided once, where it enters, from its content type and its bytes.
#pragma once

#include <expected>
#include <string_view>

#include "broker/topic_request.h"
#include "topics/message.h"

namespace ringcast::broker {

// JSON types must hold JSON, text types UTF-8 (400 else). No type, and the form type that `curl -d` sends, mean
// nothing: JSON if it parses, text if it is UTF-8, else binary.
[[nodiscard]] std::expected<topics::Format, HttpRefusal> body_format(std::string_view content_type, topics::Bytes body);

// True if `content_type` says nothing about what the body is.
[[nodiscard]] bool is_untyped(std::string_view content_type) noexcept;

// The content type that a value of this format is served with when its publisher named none.
[[nodiscard]] std::string_view default_content_type(topics::Format format) noexcept;

}  // namespace ringcast::broker
