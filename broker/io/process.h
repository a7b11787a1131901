// What main asks of the process: open files, signals, clocks, random bytes.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "broker/instant.h"
#include "broker/io/backend.h"
#include "broker/io/error.h"

namespace ringcast::io {

// Raises the soft limit of open files to the hard one. Returns the limit that holds then.
[[nodiscard]] std::expected<std::uint64_t, Error> raise_open_files();

// Blocks the signals below, and SIGPIPE. Call it in main before any thread is made: threads inherit it.
void block_signals() noexcept;

// Waits up to `timeout_ms` (< 0: without end) for SIGTERM, SIGINT, SIGHUP or SIGUSR1, by which other threads wake it,
// and returns its number. One thread.
[[nodiscard]] std::optional<int> wait_signal(std::int64_t timeout_ms) noexcept;

// Sends the process a signal that wait_signal() gives out. Any thread.
void send_signal(int signal) noexcept;

// CLOCK_MONOTONIC in ms, CLOCK_REALTIME in us.
[[nodiscard]] Now now() noexcept;

// CLOCK_MONOTONIC in us.
[[nodiscard]] std::int64_t monotonic_us() noexcept;

// Sleeps so long; a signal ends it early.
void rest(std::int64_t us) noexcept;

// Fills `out` from the kernel's generator (getrandom(2)).
void random_bytes(MutableBytes out) noexcept;

}  // namespace ringcast::io
