// The backends of all shards: io_uring, or epoll where io_uring is refused; never both.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "broker/config.h"
#include "broker/io/backend.h"
#include "broker/io/buffer_ring.h"
#include "broker/io/error.h"
#include "broker/io/probe.h"
#include "broker/io/uring.h"

namespace ringcast::io {

struct BackendsOptions {
  broker::IoBackend io = broker::IoBackend::automatic;
  unsigned count = 1;  // shards
  BufferRing::Options receive_buffers;
  // The rings of a broker that was just killed count against this user's memory until the kernel has taken them down.
  std::int64_t memory_patience_ms = 2000;
};

struct Backends {
  std::vector<std::unique_ptr<Backend>> shards;
  std::string line;      // for the log: what is used, and why where it is not all that was hoped for
  bool as_hoped = true;  // else the line is a warning
};

// Opens a backend for each shard. Any thread; each backend belongs to the thread that first uses it.
[[nodiscard]] std::expected<Backends, Error> open_backends(const BackendsOptions& options);

// What to do about a refusal of rings of `sizes`, after `waited_ms`. Pure.
enum class NextStep : std::uint8_t { wait, halve, give_up };
[[nodiscard]] NextStep next_step(Cause cause, std::int64_t waited_ms, std::int64_t patience_ms,
                                 const Uring::Options& sizes) noexcept;

// Half of each queue and buffer count, not below the least that is worth having.
[[nodiscard]] Uring::Options halved(const Uring::Options& sizes) noexcept;

}  // namespace ringcast::io
