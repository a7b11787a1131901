// MessageLine: a message as `ringcast sub` prints it, with the line feed.
#pragma once

#include <cstdint>
#include <string>

#include "client/ringcast.h"

namespace ringcast::client {

enum class ShowTopic : std::uint8_t { no, yes };

// The payload, text as it is and binary in base64, behind the topic and a tab where that is shown. A removal says so.
void append_plain(std::string& out, const Message& message, ShowTopic topic);

// One JSON object. A payload is "json" as it came, "text", or "base64"; a removal has "op":"remove" and none.
void append_json(std::string& out, const Message& message);

}  // namespace ringcast::client
