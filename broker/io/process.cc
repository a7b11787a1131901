#include "broker/io/process.h"

#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <initializer_list>

namespace ringcast::io {
namespace {

sigset_t set_of(std::initializer_list<int> signals) noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

timespec read_clock(clockid_t clock) noexcept {
  timespec time{};
  const int result = ::clock_gettime(clock, &time);
  assert(result == 0);
  return time;
}

}  // namespace

std::expected<std::uint64_t, Error> raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return std::unexpected(system_error(errno, "getrlimit"));
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) < 0) return std::unexpected(system_error(errno, "raise open files"));
  return limit.rlim_cur;
}

void block_signals() noexcept {
  // SIGPIPE too: sends say MSG_NOSIGNAL, but a log to a closed pipe must not end the broker either.
  const sigset_t set = set_of({SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE});
  const int result = ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  assert(result == 0);
}

std::optional<int> wait_signal(std::int64_t timeout_ms) noexcept {
  const sigset_t set = set_of({SIGTERM, SIGINT, SIGHUP, SIGUSR1});
  const timespec timeout{.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1'000'000};
  // EINTR: another signal's handler ran, or a debugger came. Only an endless wait starts again.
  for (;;) {
    const int signal = timeout_ms < 0 ? ::sigwaitinfo(&set, nullptr) : ::sigtimedwait(&set, nullptr, &timeout);
    if (signal > 0) return signal;
    if (timeout_ms >= 0 || errno != EINTR) return std::nullopt;
  }
}

void send_signal(int signal) noexcept {
  const int result = ::kill(::getpid(), signal);
  assert(result == 0);
}

Now now() noexcept {
  const timespec monotonic = read_clock(CLOCK_MONOTONIC);
  const timespec utc = read_clock(CLOCK_REALTIME);
  return {.monotonic = {monotonic.tv_sec * 1000 + monotonic.tv_nsec / 1'000'000},
          .utc_us = utc.tv_sec * 1'000'000 + utc.tv_nsec / 1000};
}

std::int64_t monotonic_us() noexcept {
  const timespec monotonic = read_clock(CLOCK_MONOTONIC);
  return monotonic.tv_sec * 1'000'000 + monotonic.tv_nsec / 1000;
}

void rest(std::int64_t us) noexcept {
  const timespec time{.tv_sec = us / 1'000'000, .tv_nsec = us % 1'000'000 * 1000};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

void random_bytes(MutableBytes out) noexcept {
  while (!out.empty()) {
    const ssize_t size = ::getrandom(out.data(), out.size(), 0);
    assert(size > 0 || errno == EINTR);
    if (size > 0) out = out.subspan(static_cast<std::size_t>(size));
  }
}

}  // namespace ringcast::io
