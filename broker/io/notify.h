// notify: tells the service manager how far the process is: sd_notify(3)'s protocol, without its library.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "broker/io/error.h"

namespace ringcast::io {

// Sends `state` ("READY=1", "STOPPING=1", lines) as one datagram to `socket`, the value of NOTIFY_SOCKET: a path, or
// "@name" in Linux's abstract namespace. An empty one says that no manager wants to know: nothing is sent.
[[nodiscard]] std::expected<void, Error> notify(std::string_view socket, std::string_view state);

}  // namespace ringcast::io
