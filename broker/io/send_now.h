// One Send by system call.
#pragma once

#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <optional>

#include "broker/io/backend.h"

namespace ringcast::io {

// Sends what the socket takes at once. The Short where that is not all.
[[nodiscard]] inline std::optional<Short> send_now(const Send& send) {
  assert(!send.data.empty());
  ssize_t sent = 0;
  do {
    sent = ::send(send.fd, send.data.data(), send.data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent == static_cast<ssize_t>(send.data.size())) return std::nullopt;
  return Short{send.slot, sent < 0 ? -errno : static_cast<std::int32_t>(sent)};
}

}  // namespace ringcast::io
