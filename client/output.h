// Output: what a command prints on stdout, written at once.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace ringcast::client {

// False when nobody reads it any more (EPIPE: `| head` has seen enough).
inline bool write_out(std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(STDOUT_FILENO, text.data(), text.size());
    if (size > 0) text.remove_prefix(static_cast<std::size_t>(size));
    if (size < 0 && errno != EINTR && errno != EAGAIN) return false;
  }
  return true;
}

}  // namespace ringcast::client
