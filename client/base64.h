// Base64: RFC 4648 §4, with padding: how binary messages are shown in a terminal and in JSON.
#pragma once

#include <string>

#include "frame/bytes.h"

namespace ringcast::client {

void append_base64(std::string& out, frame::Bytes bytes);

}  // namespace ringcast::client
