// Confinement: what the process gives up when it has opened what it needs: root, its memory's dumps, system calls.
#pragma once

#include <expected>
#include <string>

#include "broker/io/error.h"

namespace ringcast::io {

// Becomes that user, of its groups alone, for good: all threads. For who is root, to listen on ports below 1024. An
// error where there is no such user, or we are not root.
[[nodiscard]] std::expected<void, Error> become_user(const std::string& name);

// No core dump of this process, and no debugger but root's: with keys in memory (prctl(2), PR_SET_DUMPABLE).
void forbid_dumps() noexcept;

// From here on, in all threads: no new programs, no new rights, no sockets but Unix ones, no file but to read, no
// memory that is written and run, and nothing else that a broker has no need of (seccomp(2); a call that is not allowed
// is answered with EPERM). What is done through io_uring the kernel does not ask a filter of; no new ring can be made.
[[nodiscard]] std::expected<void, Error> confine();

}  // namespace ringcast::io
