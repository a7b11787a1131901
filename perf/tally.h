// Tally: everything that the load generator counts while messages come in.
//
// Hot path: deliver() runs once per delivery. No allocation. Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "perf/histogram.h"
#include "perf/ledger.h"
#include "perf/stamp.h"

namespace ringcast::perf {

// Who hears whom. Publisher p publishes to topic p % topics; subscriber s follows topic s % topics, or all of them.
struct Layout {
  std::uint32_t subscribers = 0;
  std::uint32_t publishers = 1;  // a multiple of topics
  std::uint32_t topics = 1;
  std::vector<bool> hears_all;  // per subscriber

  // How many publishers that subscriber hears.
  [[nodiscard]] std::uint32_t heard(std::uint32_t subscriber) const {
    return hears_all[subscriber] ? publishers : publishers / topics;
  }
  [[nodiscard]] bool hears(std::uint32_t subscriber, std::uint32_t publisher) const {
    return hears_all[subscriber] || publisher % topics == subscriber % topics;
  }
  // The publisher's place among those that the subscriber hears.
  [[nodiscard]] std::uint32_t place(std::uint32_t subscriber, std::uint32_t publisher) const {
    return hears_all[subscriber] ? publisher : publisher / topics;
  }
};

class Tally {
 public:
  explicit Tally(Layout layout);

  // Subscriber `subscriber` got the message with that stamp at `now_ns`.
  void deliver(std::uint32_t subscriber, const Stamp& stamp, std::uint64_t now_ns) {
    if (stamp.publisher >= layout_.publishers || !layout_.hears(subscriber, stamp.publisher)) {
      ++misrouted_;
      return;
    }
    ledger_.add(subscriber, layout_.place(subscriber, stamp.publisher), stamp.number);
    follow_order(subscriber, stamp);
    ++deliveries_;
    ++deliveries_of_[stamp.publisher];
    if (stamp.when_ns >= measured_from_ns_ && stamp.when_ns < measured_to_ns_) {
      latency_.record(now_ns > stamp.when_ns ? now_ns - stamp.when_ns : 0);
    }
  }

  // Latencies count for messages due in this span of the monotonic clock.
  void measure(std::uint64_t from_ns, std::uint64_t to_ns) noexcept {
    measured_from_ns_ = from_ns;
    measured_to_ns_ = to_ns;
  }

  // Messages sent but never delivered, over all subscribers. `sent[p]`: how many publisher p has sent.
  [[nodiscard]] std::uint64_t lost(const std::vector<std::uint32_t>& sent) const;

  // Topics whose subscribers did not all get the same messages in the same order; only told apart when nothing is lost.
  [[nodiscard]] std::uint32_t disagreements() const;

  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }
  [[nodiscard]] const Ledger& ledger() const noexcept { return ledger_; }
  [[nodiscard]] const Histogram& latency() const noexcept { return latency_; }
  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }
  [[nodiscard]] std::uint64_t deliveries_of(std::uint32_t publisher) const { return deliveries_of_[publisher]; }
  [[nodiscard]] std::uint64_t misrouted() const noexcept { return misrouted_; }

 private:
  // A fingerprint of the order in which a subscriber got the messages of a topic, over all its publishers.
  void follow_order(std::uint32_t subscriber, const Stamp& stamp) {
    std::uint64_t& print =
        prints_[print_rows_[subscriber] + (layout_.hears_all[subscriber] ? stamp.publisher % layout_.topics : 0)];
    print = (print ^ (std::uint64_t{stamp.publisher} << 28 | stamp.number)) * 0x9e37'79b9'7f4a'7c15;
  }

  Layout layout_;
  Ledger ledger_;
  Histogram latency_;
  std::vector<std::size_t> print_rows_;  // where each subscriber's fingerprints begin
  std::vector<std::uint64_t> prints_;    // one per subscriber and topic that it follows
  std::vector<std::uint64_t> deliveries_of_;
  std::uint64_t deliveries_ = 0;
  std::uint64_t misrouted_ = 0;
  std::uint64_t measured_from_ns_ = 0;
  std::uint64_t measured_to_ns_ = 0;
};

}  // namespace ringcast::perf
