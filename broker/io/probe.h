// Whether io_uring may be used here, found out by using it; where not, which of the usual causes it is, and the remedy.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "broker/io/error.h"

namespace ringcast::io {

enum class Cause : std::uint8_t {
  seccomp,      // a filter of the container runtime forbids the calls
  sysctl,       // kernel.io_uring_disabled
  security,     // another security module does
  memory,       // RLIMIT_MEMLOCK, or the memory limit of the control group
  kernel,       // too old, or built without io_uring
  operation,    // the ring is there but does not do what we need: a kernel that only claims to be one
  descriptors,  // the limit of open files: no reason to do without io_uring, epoll would fail too
  other,
};

// What the cause is told by.
struct Evidence {
  int code = 0;                     // errno
  std::string doing;                // what failed: "io_uring_setup", "receive"
  std::string status;               // contents of /proc/self/status
  std::string io_uring_disabled;    // contents of /proc/sys/kernel/io_uring_disabled, "" before kernel 6.6
  std::string release;              // of the kernel: "6.1.0-18-amd64"
  std::uint64_t memlock_bytes = 0;  // RLIMIT_MEMLOCK
};

struct Refusal {
  Cause cause = Cause::other;
  int code = 0;        // errno
  std::string reason;  // "EPERM: a seccomp filter forbids it"
  std::string remedy;  // "run with …"
};

// Pure.
[[nodiscard]] Refusal judge(const Evidence& evidence);

// The same for an error that just happened, with the evidence of this process.
[[nodiscard]] Refusal judge_now(const Error& error);

// Does once, with a small ring on this thread, all that a shard does: set up, accept, receive into a buffer ring, send
// without completion, armed send, wake. Leaves nothing behind.
[[nodiscard]] std::expected<void, Refusal> probe_uring();

}  // namespace ringcast::io
