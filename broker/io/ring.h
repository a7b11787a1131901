// Ring: one io_uring, its set-up and its single system call. What the requests mean is Uring's business.
//
// liburing sets up and fills the ring; entering the kernel is done here, because liburing 2.3 knows neither NO_IOWAIT
// nor how to ask for events on every entry (without which deferred completions wait for the next turn). Thread: open()
// on any; enable() makes its caller the only thread that may use the ring from then on.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <expected>

#include "broker/io/error.h"

namespace ringcast::io {

// 256: sends are flushed every 64, and a turn rarely arms more than a few sockets; a full queue is flushed and goes on.
inline constexpr unsigned kSubmissionEntries = 256;

// 4096 × 16 bytes: a mass disconnect overflows it, which loses nothing (IORING_FEAT_NODROP) and only ends multishots.
inline constexpr unsigned kCompletionEntries = 4096;

class Ring {
 public:
  struct Options {
    unsigned submission_entries = kSubmissionEntries;
    unsigned completion_entries = kCompletionEntries;
  };

  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  // Creates the ring, disabled. Error.code is io_uring_setup's errno: EPERM and ENOSYS where a container forbids it,
  // EINVAL or EOPNOTSUPP on a kernel before 6.1, ENOMEM when the memory limits are reached.
  [[nodiscard]] std::expected<void, Error> open(const Options& options);

  // Binds the ring to the calling thread and enters it. Once. Fails where a filter let only io_uring_setup through.
  [[nodiscard]] std::expected<void, Error> enable();

  // An entry to fill with one io_uring_prep_…, or null when the queue is full: enter() first.
  [[nodiscard]] io_uring_sqe* entry() noexcept { return io_uring_get_sqe(&ring_); }

  // Entries that the kernel has not consumed.
  [[nodiscard]] unsigned unsubmitted() const noexcept { return io_uring_sq_ready(&ring_); }

  // Completions that did not fit wait in the kernel; enter() fetches them.
  [[nodiscard]] bool overflowed() const noexcept { return io_uring_cq_has_overflow(&ring_); }

  // Whether enter() without waiting could achieve anything.
  [[nodiscard]] bool has_work() const noexcept;

  // Submits all entries, runs the kernel's deferred work and waits up to `timeout_ms` (0: not, < 0: without end) for
  // one completion. Returns entries consumed, or -EBUSY or -EAGAIN: consume completions and call again. An end of the
  // wait by time or signal is no error.
  int enter(std::int64_t timeout_ms) noexcept;

  // Calls `take` with each completion that is there and consumes them. Returns how many.
  template <typename Take>
  unsigned drain(Take&& take) {
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      take(*completion);
      ++seen;
    }
    io_uring_cq_advance(&ring_, seen);
    return seen;
  }

  // For registrations (BufferRing).
  [[nodiscard]] io_uring& raw() noexcept { return ring_; }

 private:
  io_uring ring_{};
  bool open_ = false;
  unsigned enter_flags_ = 0;  // of every entry
  unsigned wait_flags_ = 0;   // of those that wait
};

}  // namespace ringcast::io
