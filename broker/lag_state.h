// LagState: what one connection did not get because it fell behind, until it is told (Lag of proto/ringcast.proto).
// Bounded: the counts go on when ranges do not fit any more. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::broker {

class LagState {
 public:
  static constexpr std::size_t kRangesMax = 256;            // of one event
  static constexpr std::size_t kNamesBytesMax = 32 * 1024;  // of its topics: half of what an outbox spares

  enum class Fate : std::uint8_t {
    merged,   // a newer one came, or will come, instead
    skipped,  // dropped
  };
  // Consecutive messages of a topic.
  struct Range {
    std::string topic;
    std::uint64_t first_seq = 0;
    std::uint64_t last_seq = 0;
  };

  // So many messages are lost. It is to be told, even of none: then that the connection is behind.
  void count(Fate fate, std::uint64_t messages) noexcept;
  // Which; of one topic in rising order. Extends a range that ends just before.
  void add_range(std::string_view topic, std::uint64_t first_seq, std::uint64_t last_seq);
  // Others, which are not known.
  void add_more_ranges() noexcept { more_ranges_ = true; }
  // All so far was told.
  void told();

  [[nodiscard]] bool to_tell() const noexcept { return to_tell_; }
  [[nodiscard]] std::uint64_t merged() const noexcept { return merged_; }
  [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }
  [[nodiscard]] const std::vector<Range>& ranges() const noexcept { return ranges_; }
  [[nodiscard]] bool more_ranges() const noexcept { return more_ranges_; }

  bool due = false;  // in Lag's list of those that are to be told

 private:
  std::vector<Range> ranges_;
  std::size_t names_bytes_ = 0;
  std::uint64_t merged_ = 0;
  std::uint64_t skipped_ = 0;
  bool more_ranges_ = false;
  bool to_tell_ = false;
};

}  // namespace ringcast::broker
