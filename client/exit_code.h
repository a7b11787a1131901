// ExitCode: what `ringcast pub`, `sub` and `demo` leave behind for the shell.
#pragma once

#include "client/error.h"

namespace ringcast::client {

enum class ExitCode : int {
  done = 0,           // all that was asked for happened (for sub and demo also: interrupted, as one ends them)
  failed = 1,         // the broker could not be reached, refused, or went away before the work was done
  usage = 2,          // a bad topic, filter, URL or option: the same command can never work
  interrupted = 130,  // pub: SIGINT or SIGTERM came before the end of the input (128 + 2, as shells say it)
};

[[nodiscard]] constexpr int to_int(ExitCode code) noexcept {
  return static_cast<int>(code);
}

// The exit code that goes with an error.
[[nodiscard]] constexpr ExitCode exit_code_of(Failure failure) noexcept {
  return failure == Failure::usage ? ExitCode::usage : ExitCode::failed;
}

}  // namespace ringcast::client
