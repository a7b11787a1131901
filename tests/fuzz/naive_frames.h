// The naive parser of WebSocket frames: sees the whole stream at once, copies everything, and is short enough to be
// compared with RFC 6455 line by line. What frame::Parser is judged by.
#pragma once

#include <string>
#include <string_view>

#include "frame/parser.h"

namespace ringcast::fuzz {

// One line for an event: kind, code, error, compressed, payload.
[[nodiscard]] std::string describe(const frame::Event& event);

// The events of `stream`, described one after the other. Whatever is wrong inside a compressed message, it says
// invalid_deflate.
[[nodiscard]] std::string naive_events(frame::Parser::Options options, std::string_view stream);

}  // namespace ringcast::fuzz
