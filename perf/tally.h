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

// Who hears what. A stream is what one publisher sends to one topic: stream i goes to topic i % topics. Subscriber s
// follows `each` topics from (s * each) % topics on, or all of them.
struct Layout {
  std::uint32_t subscribers = 0;
  std::uint32_t streams = 1;  // a multiple of topics
  std::uint32_t topics = 1;
  std::uint32_t each = 1;       // topics of a subscriber
  std::vector<bool> hears_all;  // per subscriber

  [[nodiscard]] std::uint32_t first_topic(std::uint32_t subscriber) const {
    return static_cast<std::uint32_t>(std::uint64_t{subscriber} * each % topics);
  }
  // How many topics, and streams, that subscriber hears.
  [[nodiscard]] std::uint32_t topics_of(std::uint32_t subscriber) const {
    return hears_all[subscriber] ? topics : each;
  }
  [[nodiscard]] std::uint32_t heard(std::uint32_t subscriber) const {
    return topics_of(subscriber) * (streams / topics);
  }
  // The place of a stream's topic among those that the subscriber hears; not below topics_of() if it does not.
  [[nodiscard]] std::uint32_t topic_place(std::uint32_t subscriber, std::uint32_t stream) const {
    const std::uint32_t topic = stream % topics;
    if (hears_all[subscriber]) return topic;
    const std::uint32_t first = first_topic(subscriber);
    return topic >= first ? topic - first : topic + topics - first;
  }
  [[nodiscard]] std::uint32_t topic_at(std::uint32_t subscriber, std::uint32_t topic_place) const {
    if (hears_all[subscriber]) return topic_place;
    return static_cast<std::uint32_t>((std::uint64_t{first_topic(subscriber)} + topic_place) % topics);
  }
  // The place of a stream among those that the subscriber hears.
  [[nodiscard]] std::uint32_t place(std::uint32_t topic_place, std::uint32_t stream) const {
    return topic_place * (streams / topics) + stream / topics;
  }
};

class Tally {
 public:
  explicit Tally(Layout layout);

  // Subscriber `subscriber` got the message with that stamp at `now_ns`.
  void deliver(std::uint32_t subscriber, const Stamp& stamp, std::uint64_t now_ns) {
    if (stamp.stream >= layout_.streams) {
      ++misrouted_;
      return;
    }
    const std::uint32_t topic_place = layout_.topic_place(subscriber, stamp.stream);
    if (topic_place >= layout_.topics_of(subscriber)) {
      ++misrouted_;
      return;
    }
    ledger_.add(subscriber, layout_.place(topic_place, stamp.stream), stamp.number);
    follow_order(prints_[print_rows_[subscriber] + topic_place], stamp);
    ++deliveries_;
    ++deliveries_of_[stamp.stream];
    if (stamp.when_ns >= measured_from_ns_ && stamp.when_ns < measured_to_ns_) {
      latency_.record(now_ns > stamp.when_ns ? now_ns - stamp.when_ns : 0);
    }
  }

  // Latencies count for messages due in this span of the monotonic clock.
  void measure(std::uint64_t from_ns, std::uint64_t to_ns) noexcept {
    measured_from_ns_ = from_ns;
    measured_to_ns_ = to_ns;
  }

  // Messages sent but never delivered, over all subscribers. `sent[i]`: how many of stream i were.
  [[nodiscard]] std::uint64_t lost(const std::vector<std::uint32_t>& sent) const;

  // Topics whose subscribers did not all get the same messages in the same order; only told apart when nothing is lost.
  [[nodiscard]] std::uint32_t disagreements() const;

  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }
  [[nodiscard]] const Ledger& ledger() const noexcept { return ledger_; }
  [[nodiscard]] const Histogram& latency() const noexcept { return latency_; }
  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }
  [[nodiscard]] std::uint64_t deliveries_of(std::uint32_t stream) const { return deliveries_of_[stream]; }
  [[nodiscard]] std::uint64_t misrouted() const noexcept { return misrouted_; }

 private:
  // A fingerprint of the order in which a subscriber got the messages of a topic, over all its streams.
  static void follow_order(std::uint64_t& print, const Stamp& stamp) {
    print = (print ^ (std::uint64_t{stamp.stream} << 28 | stamp.number)) * 0x9e37'79b9'7f4a'7c15;
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
