#include "broker/io/ring.h"

#include <cassert>
#include <cerrno>

namespace ringcast::io {
namespace {

// Of kernel 6.15, unknown to liburing 2.3: without it a thread that waits for network traffic counts as waiting for a
// disk, and an idle broker shows 100 % iowait (liburing #943).
constexpr unsigned kEnterNoIowait = 1U << 7;
constexpr unsigned kFeatureNoIowait = 1U << 17;

// DEFER_TASKRUN: the kernel does its deferred work when we enter, not in the middle of a turn. TASKRUN_FLAG says that
// there is some. R_DISABLED: the thread that enables the ring, not the one that creates it, becomes its single issuer.
constexpr unsigned kSetupFlags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |
                                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE |
                                 IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED;

constexpr unsigned kNeededFeatures = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;

bool is_transient(int result) noexcept {
  return result == -EBUSY || result == -EAGAIN;
}

}  // namespace

Ring::~Ring() {
  if (open_) io_uring_queue_exit(&ring_);
}

std::expected<void, Error> Ring::open(const Options& options) {
  assert(!open_);
  io_uring_params params{};
  params.flags = kSetupFlags;
  params.cq_entries = options.completion_entries;
  const int result = io_uring_queue_init_params(options.submission_entries, &ring_, &params);
  if (result < 0) return std::unexpected(system_error(-result, "io_uring_setup"));
  open_ = true;
  if ((params.features & kNeededFeatures) != kNeededFeatures) {
    return std::unexpected(system_error(EOPNOTSUPP, "io_uring features"));
  }
  // A child between fork and exec must not share the rings' memory.
  static_cast<void>(io_uring_ring_dontfork(&ring_));
  enter_flags_ = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  wait_flags_ = (params.features & kFeatureNoIowait) != 0 ? kEnterNoIowait : 0;
  return {};
}

std::expected<void, Error> Ring::enable() {
  const auto fd = static_cast<unsigned>(ring_.ring_fd);
  // Not io_uring_enable_rings(), which liburing 2.3 declares but does not export.
  const int enabled = io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  if (enabled < 0) return std::unexpected(system_error(-enabled, "io_uring_register"));
  const int entered = io_uring_enter(fd, 0, 0, IORING_ENTER_GETEVENTS, nullptr);
  if (entered < 0) return std::unexpected(system_error(-entered, "io_uring_enter"));
  // Saves the look-up of the descriptor on every entry; without it all works the same.
  if (io_uring_register_ring_fd(&ring_) == 1) enter_flags_ |= IORING_ENTER_REGISTERED_RING;
  return {};
}

bool Ring::has_work() const noexcept {
  return unsubmitted() > 0 || (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

int Ring::enter(std::int64_t timeout_ms) noexcept {
  // Publishes the entries, as io_uring_submit() does for a ring without a kernel thread.
  ring_.sq.sqe_head = ring_.sq.sqe_tail;
  IO_URING_WRITE_ONCE(*ring_.sq.ktail, ring_.sq.sqe_tail);

  __kernel_timespec wait{};
  io_uring_getevents_arg argument{};
  if (timeout_ms > 0) {
    wait.tv_sec = timeout_ms / 1000;
    wait.tv_nsec = timeout_ms % 1000 * 1'000'000;
    argument.ts = reinterpret_cast<std::uintptr_t>(&wait);
  }
  const bool waits = timeout_ms != 0;
  const int result = io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), unsubmitted(), waits ? 1 : 0,
                                     enter_flags_ | (waits ? wait_flags_ : 0), reinterpret_cast<sigset_t*>(&argument),
                                     sizeof argument);
  if (result == -ETIME || result == -EINTR) return 0;
  // Anything else is a mistake of ours (-EEXIST: another thread), or -EBADR: the kernel had no memory to keep a
  // completion. Then a connection would hang for ever; starting again is the honest answer.
  assert(result >= 0 || is_transient(result));
  return result;
}

}  // namespace ringcast::io
