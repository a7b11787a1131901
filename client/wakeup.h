// Wakeup: what another thread pokes so that a thread in poll(2) looks again.
//
// Threads: poke() any; the rest one.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

namespace ringcast::client {

class Wakeup {
 public:
  Wakeup() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  ~Wakeup() { ::close(fd_); }

  void poke() const noexcept { ::eventfd_write(fd_, 1); }

  // Readable after poke(), until clear().
  [[nodiscard]] int fd() const noexcept { return fd_; }
  void clear() const noexcept {
    eventfd_t count = 0;
    ::eventfd_read(fd_, &count);
  }

 private:
  int fd_;
};

}  // namespace ringcast::client
