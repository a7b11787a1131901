#include "client/interrupt.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace ringcast::client {

Interrupt::Interrupt() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
  fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

Interrupt::~Interrupt() {
  if (fd_ >= 0) ::close(fd_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool Interrupt::take() const noexcept {
  signalfd_siginfo info;
  return ::read(fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info));
}

}  // namespace ringcast::client
