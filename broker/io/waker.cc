#include "broker/io/waker.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>

namespace ringcast::io {

std::expected<void, Error> Waker::open() {
  event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event_.valid()) return std::unexpected(system_error(errno, "eventfd"));
  return {};
}

void Waker::wake() const noexcept {
  // It can only fail after 2^64 - 2 writes, or without open().
  static_cast<void>(::eventfd_write(event_.get(), 1));
}

}  // namespace ringcast::io
