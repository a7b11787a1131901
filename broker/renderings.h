// Renderings: the frames that latest values were written as in this turn, so that all who are sent a value at one tick,
// in groups or on their own, share one encoding of it.
//
// Thread:   one shard's.
// Hot path: append() once per topic and receiver that is served on its own, once per topic and group else. No
// allocation
//           in the steady state.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "broker/codec.h"
#include "broker/compressor.h"
#include "broker/encoding.h"
#include "broker/segment.h"
#include "topics/index_table.h"
#include "topics/latest_table.h"

namespace ringcast::broker {

class Renderings {
 public:
  struct Counters {
    std::uint64_t encodings = 0;  // of a message, in one encoding
    std::uint64_t encoded_bytes = 0;
    std::uint64_t shared = 0;  // that were there already
  };

  Renderings(SegmentPool& segments, Compressor& compressor, const topics::LatestTable& table);
  Renderings(const Renderings&) = delete;
  Renderings& operator=(const Renderings&) = delete;
  ~Renderings();

  // The codec of a protocol; it outlives this.
  void set_codec(Protocol protocol, Codec& codec) { codecs_[static_cast<std::size_t>(protocol)] = &codec; }

  // What is sent of an entry: its newest value and event, null where that is left out.
  using Parts = std::array<const topics::Message*, 2>;
  // The frames that tell these of the entry: none, one or two. Borrowed until clear().
  [[nodiscard]] std::span<const Span> render(std::uint32_t entry, const Parts& parts, Encoding encoding);

  // What values are now will change: nothing of it counts any more.
  void clear();

  // What compressing since has cost, as appends to outboxes.
  [[nodiscard]] std::uint32_t take_cost() noexcept { return compressor_.take_cost(); }

  // The segments that are being written to; and how many were left since the start.
  void current_segments(std::vector<Segment*>& into) const;
  [[nodiscard]] std::uint64_t segments_retired() const;
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  struct Rendering {
    const topics::Message* message = nullptr;
    Encoding encoding = 0;
    Span span;  // holds a reference; no segment: the encoding has no word for it
  };

  [[nodiscard]] Span find_or_encode(const topics::Message& message, topics::TopicHandle topic, Encoding encoding);
  [[nodiscard]] Span encode(const topics::Message& message, topics::TopicHandle topic, Encoding encoding);

  SegmentPool& segments_;
  Compressor& compressor_;
  const topics::LatestTable& table_;
  std::array<Codec*, kProtocols> codecs_{};
  std::array<std::unique_ptr<SegmentWriter>, kEncodings> writers_;
  std::vector<Rendering> renderings_;
  topics::IndexTable index_;      // (message, encoding) -> rendering
  std::array<Span, 2> rendered_;  // render()'s
  Counters counters_;
};

}  // namespace ringcast::broker
