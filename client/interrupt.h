// Interrupt: SIGINT and SIGTERM as something to poll, so that a command can end what it is doing in good order.
//
// Owner: one at a time in a process; while it lives the two signals do nothing by themselves. Thread: the main one,
// before any other is started.
#pragma once

#include <csignal>

namespace ringcast::client {

class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();  // a signal that came and was not read takes effect now

  // Readable once a signal has come.
  [[nodiscard]] int fd() const noexcept { return fd_; }

  // True once a signal has come; takes it, so that a second one can be told apart.
  [[nodiscard]] bool take() const noexcept;

 private:
  int fd_ = -1;
  sigset_t before_{};
};

}  // namespace ringcast::client
