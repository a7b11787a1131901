// Pacer: decides when each message is due, builds its frame and gives it to the swarm.
//
// Open loop: message k is due at start + k / rate, whatever has happened meanwhile, and carries that time, so that a
// stall of the server or of this process shows in every message it held up (no coordinated omission).
// Closed loop: each stream keeps `window` messages under way, counted over all its subscribers.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "perf/histogram.h"
#include "perf/load_options.h"
#include "perf/swarm.h"
#include "perf/tally.h"

namespace ringcast::perf {

class Pacer {
 public:
  // Messages are due from `start_ns` to before `end_ns` of the monotonic clock.
  Pacer(const LoadOptions& options, const Layout& layout, std::uint64_t start_ns, std::uint64_t end_ns);

  // Publishes what is due at `now_ns`, some at a time. Gives back for how long, in nanoseconds, nothing will be; 0:
  // more is due already.
  [[nodiscard]] std::uint64_t publish(Swarm& swarm, const Tally& tally, std::uint64_t now_ns);

  [[nodiscard]] const std::vector<std::uint32_t>& sent() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t sent_total() const noexcept { return sent_total_; }

  // How much later than due messages were handed to the kernel: this process's own share in the latency. Open loop
  // only.
  [[nodiscard]] const Histogram& lateness() const noexcept { return lateness_; }

 private:
  static constexpr std::uint32_t kBatchMax = 256;      // messages before the swarm reads again
  static constexpr std::uint64_t kIdleNs = 1'000'000;  // the closed loop waits for deliveries, not for the clock

  [[nodiscard]] std::uint64_t publish_open(Swarm& swarm, std::uint64_t now_ns);
  [[nodiscard]] std::uint64_t publish_closed(Swarm& swarm, const Tally& tally, std::uint64_t now_ns);
  void send(Swarm& swarm, std::uint32_t stream, std::uint64_t when_ns);
  [[nodiscard]] Bytes message_of(std::uint32_t stream);
  [[nodiscard]] std::uint32_t publisher_of(std::uint32_t stream) const noexcept { return stream % options_.publishers; }
  [[nodiscard]] std::uint64_t due_ns(std::uint64_t message) const noexcept;

  LoadOptions options_;
  std::vector<std::uint32_t> listeners_;   // per stream: how many subscribers hear it
  std::vector<std::uint32_t> sent_;        // per stream
  std::vector<std::uint64_t> request_id_;  // per publisher: its last one
  std::uint64_t sent_total_ = 0;
  std::uint64_t start_ns_;
  std::uint64_t end_ns_;
  std::vector<std::uint8_t> payload_;  // not masked; the stamp is new each time
  std::vector<std::uint8_t> message_;  // the payload in the full protocol
  std::vector<std::uint8_t> frame_;
  std::mt19937 random_{1};  // masks: unpredictable to nobody, but different for each frame
  Histogram lateness_;
};

}  // namespace ringcast::perf
