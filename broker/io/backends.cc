#include "broker/io/backends.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "broker/io/epoll.h"

namespace ringcast::io {
namespace {

// Below these a shard of some hundred connections is busier with full queues than with its work: epoll is better then.
constexpr unsigned kSubmissionEntriesMin = 64;
constexpr unsigned kCompletionEntriesMin = 512;
constexpr unsigned kReceiveBuffersMin = 64;

constexpr int kRetryMs = 50;

using Shards = std::vector<std::unique_ptr<Backend>>;

std::expected<Backends, Error> open_epoll(const BackendsOptions& options, std::string line, bool as_hoped) {
  Backends backends{.shards = {}, .line = std::move(line), .as_hoped = as_hoped};
  for (unsigned i = 0; i < options.count; ++i) {
    auto epoll = Epoll::create({.receive_area_size = options.receive_buffers.count * options.receive_buffers.size});
    if (!epoll) return std::unexpected(std::move(epoll.error()));
    backends.shards.push_back(std::move(*epoll));
  }
  return backends;
}

// All rings, or none: also none if they are there but one like them does not do its work.
std::expected<Shards, Refusal> open_rings(unsigned count, const Uring::Options& sizes) {
  Shards shards;
  for (unsigned i = 0; i < count; ++i) {
    auto uring = Uring::create(sizes);
    if (!uring) return std::unexpected(judge_now(uring.error()));
    shards.push_back(std::move(*uring));
  }
  if (auto probed = probe_uring(); !probed) return std::unexpected(std::move(probed.error()));
  return shards;
}

std::string explain(const Refusal& refusal) {
  return refusal.reason + "; remedy: " + refusal.remedy;
}

std::string shrunk_line(const Uring::Options& sizes, const Refusal& refusal) {
  return "io_uring with only " + std::to_string(sizes.ring.submission_entries) + "/" +
         std::to_string(sizes.ring.completion_entries) + " entries and " + std::to_string(sizes.receive_buffers.count) +
         " receive buffers per shard (" + explain(refusal) + ")";
}

std::expected<Backends, Error> without_rings(const BackendsOptions& options, const Refusal& refusal) {
  const std::string unavailable = "io_uring is unavailable (" + explain(refusal) + ")";
  // Epoll needs descriptors too.
  if (refusal.cause == Cause::descriptors) return std::unexpected(Error{refusal.code, unavailable});
  if (options.io == broker::IoBackend::uring) {
    return std::unexpected(Error{refusal.code, unavailable + "; --io auto would use epoll"});
  }
  return open_epoll(options, "epoll: " + unavailable, false);
}

}  // namespace

NextStep next_step(Cause cause, std::int64_t waited_ms, std::int64_t patience_ms,
                   const Uring::Options& sizes) noexcept {
  if (cause != Cause::memory) return NextStep::give_up;
  if (waited_ms < patience_ms) return NextStep::wait;
  const Uring::Options smaller = halved(sizes);
  const bool could_shrink = smaller.ring.submission_entries < sizes.ring.submission_entries ||
                            smaller.ring.completion_entries < sizes.ring.completion_entries ||
                            smaller.receive_buffers.count < sizes.receive_buffers.count;
  return could_shrink ? NextStep::halve : NextStep::give_up;
}

Uring::Options halved(const Uring::Options& sizes) noexcept {
  const auto half = [](unsigned value, unsigned least) { return std::max(value / 2, std::min(value, least)); };
  Uring::Options smaller = sizes;
  smaller.ring.submission_entries = half(sizes.ring.submission_entries, kSubmissionEntriesMin);
  smaller.ring.completion_entries = half(sizes.ring.completion_entries, kCompletionEntriesMin);
  smaller.receive_buffers.count = half(sizes.receive_buffers.count, kReceiveBuffersMin);
  return smaller;
}

std::expected<Backends, Error> open_backends(const BackendsOptions& options) {
  if (options.io == broker::IoBackend::epoll) return open_epoll(options, "epoll, as configured", true);

  Uring::Options sizes{.ring = {}, .receive_buffers = options.receive_buffers};
  bool shrunk = false;
  std::int64_t waited_ms = 0;
  Refusal first;
  for (;;) {
    auto shards = open_rings(options.count, sizes);
    if (shards && !shrunk) return Backends{.shards = std::move(*shards), .line = "io_uring", .as_hoped = true};
    if (shards) return Backends{.shards = std::move(*shards), .line = shrunk_line(sizes, first), .as_hoped = false};
    if (first.code == 0) first = shards.error();
    switch (next_step(shards.error().cause, waited_ms, options.memory_patience_ms, sizes)) {
      case NextStep::wait:
        break;
      case NextStep::halve:
        sizes = halved(sizes);
        shrunk = true;
        break;
      case NextStep::give_up:
        return without_rings(options, first);
    }
    // Also before smaller rings: the kernel takes down the ones that were just closed in its own time.
    ::poll(nullptr, 0, kRetryMs);
    waited_ms += kRetryMs;
  }
}

}  // namespace ringcast::io
