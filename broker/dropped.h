// Dropped: live messages that the outboxes of one connection were made to drop, topic by topic.
//
// Holds the frames while it lives: topics have their names only there. Thread: one shard's.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "broker/segment.h"
#include "topics/topic_handle.h"

namespace ringcast::broker {

class Dropped {
 public:
  static constexpr std::size_t kRangesMax = 256;  // kept: what one Lag event tells

  // One message's frames, side by side.
  struct Place {
    Span frames;
    std::uint64_t seq = 0;  // 0: there is none
    std::uint64_t position = 0;
  };
  struct Topic {
    std::uint32_t origin = 0;
    topics::TopicHandle handle;
    std::uint64_t gone = 0;            // messages, without those that are still owed
    std::uint64_t first_position = 0;  // of the oldest that was dropped
    Place newest;                      // for the name
    // Still owed: what came from the newest SET or REMOVE on, all if there is none; of it, in the end, the two below.
    std::uint64_t owed = 0;  // messages
    std::uint64_t first_owed_seq = 0;
    Place value;  // that SET or REMOVE,
    Place event;  // and the newest EVENT if it is newer
  };
  // Of a topic's messages that are gone, consecutive ones.
  struct Range {
    std::uint32_t topic = 0;  // index in topics()
    std::uint64_t first_seq = 0;
    std::uint64_t last_seq = 0;
  };

  // Whether each topic's newest value is gone too, or is still owed in another form.
  enum class Newest : std::uint8_t { gone, owed };

  // Takes over spans of whole messages, oldest first, as Outbox::drop_messages() returned them, with their references.
  Dropped(std::vector<Span> spans, Newest newest, SegmentPool& pool);
  Dropped(const Dropped&) = delete;
  Dropped& operator=(const Dropped&) = delete;
  ~Dropped();

  // In the order of their newest dropped messages, newest first.
  [[nodiscard]] std::span<const Topic> topics() const noexcept { return topics_; }
  // Up to kRangesMax, of the newest messages, each topic's rising in no order with those of others.
  [[nodiscard]] std::span<const Range> ranges() const noexcept { return ranges_; }
  [[nodiscard]] bool more_ranges() const noexcept { return more_ranges_; }
  [[nodiscard]] std::uint64_t gone() const noexcept { return gone_; }

 private:
  struct Key {
    std::uint64_t topic = 0;  // index and generation
    std::uint32_t origin = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      return (key.topic ^ (std::uint64_t{key.origin} << 56U)) * 0x9e37'79b9'7f4a'7c15U;
    }
  };

  void take(const FrameRecord& record, const Span& frames);
  void count_gone(std::uint32_t topic, std::uint64_t seq);

  SegmentPool& pool_;
  const Newest newest_;
  std::vector<Span> spans_;
  std::unordered_map<Key, std::uint32_t, Hash> by_key_;
  std::vector<Topic> topics_;
  std::vector<std::uint32_t> open_;  // by topic: its range that may still grow, downwards
  std::vector<Range> ranges_;
  bool more_ranges_ = false;
  std::uint64_t gone_ = 0;
};

}  // namespace ringcast::broker
