// FanOut: gives each message that reaches this shard to every subscriber of this shard.
//
// Messages that follow one another to the same subscribers become one *run*: encoded one after the other, they lie side
// by side in a segment, and each subscriber gets one span for all of them. A run ends when a message for others, a
// marker or the end of the deliveries comes; then it is appended to its subscribers' outboxes, in steps if they are
// many. LATEST subscribers are owed its topics instead (broker/latest.h).
//
// Thread: one shard's.
// Hot path: add() once per message, the loop of step() once per subscriber and run. No allocation in the steady state.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "broker/codec.h"
#include "broker/compressor.h"
#include "broker/encoding.h"
#include "broker/large_message.h"
#include "broker/latency.h"
#include "broker/latest.h"
#include "broker/mesh.h"
#include "broker/session_table.h"
#include "topics/subscriptions.h"

namespace ringcast::broker {

class FanOut {
 public:
  // A message from this size on may be too long, as a codec writes it, to be compressed at once; bytes of payload.
  static constexpr std::uint32_t kLargeMin = Compressor::kAtOnceMax / 2;
  static constexpr std::uint32_t kRunBytesMax =
      32 * 1024;  // of payloads: then the run goes out, while it is still in cache

  struct Counters {
    std::uint64_t messages = 0;    // that had a subscriber here
    std::uint64_t deliveries = 0;  // messages × connections that got them
    std::uint64_t encoded_bytes = 0;
    std::uint64_t runs = 0;
  };

  FanOut(std::uint32_t self, SessionTable& sessions, topics::Subscriptions& subscriptions, Compressor& compressor,
         Latest& latest);
  FanOut(const FanOut&) = delete;
  FanOut& operator=(const FanOut&) = delete;
  ~FanOut();

  // The codec of a protocol; it outlives this.
  void set_codec(Protocol protocol, Codec& codec);

  // Before add(): compresses a large message in steps, which reduce `budget`. False when it is not done: nothing
  // further of `origin` may be taken, come again with the same.
  [[nodiscard]] bool prepare(std::uint32_t origin, const Delivery& delivery, std::uint32_t& budget) {
    return delivery.message->payload_size < kLargeMin || prepare_slow(origin, delivery, budget);
  }

  // Takes a live message of `origin`. False when the run before it must go out first: then step(), and come again.
  // Compressing reduces `budget`, in appends that take as long; with nothing left of it no message is compressed.
  [[nodiscard]] bool add(std::uint32_t origin, const Delivery& delivery, std::uint32_t& budget);

  // True when a run waits to go out, wholly or in part.
  [[nodiscard]] bool pending() const noexcept { return !run_.groups.empty(); }

  // Appends the run to up to `budget` outboxes; reduces `budget` by what it used. True when the run is out.
  bool step(std::uint32_t& budget);

  // What has gone out since the last call to EVERY subscribers.
  [[nodiscard]] Ran take_ran() noexcept { return std::exchange(ran_, {}); }

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  // The segments that are being written to, for Outbox::unpin(); and how many were left since the start.
  [[nodiscard]] std::vector<Segment*>& current_segments() const;
  [[nodiscard]] std::uint64_t segments_retired() const;

 private:
  struct Stream {  // of one encoding
    std::unique_ptr<SegmentWriter> writer;
    std::vector<Span> spans;  // of the run; each holds a reference
  };
  struct Run {
    std::uint32_t origin = 0;
    std::vector<topics::GroupId> groups;
    SlotId publisher;           // the connection that published it, if not all its subscriptions want to hear that
    std::int64_t first_us = 0;  // when its first message was sequenced
    std::uint32_t number = 0;   // in Session::run of those that got it
    std::uint32_t messages = 0;
    std::uint32_t payload_bytes = 0;
    std::uint32_t encodings = 0;  // that its EVERY groups want, as bits
    std::size_t next_group = 0;   // how far step() came
    bool going_out = false;
    bool latest = false;                  // some groups are LATEST,
    bool group_owed = false;              // and what the next one's members share was told
    std::vector<Latest::Change> changes;  // messages of which somebody is or will be owed the topic
  };

  [[nodiscard]] SlotId silent_publisher(const topics::Publisher& publisher);
  [[nodiscard]] bool extends_run(std::uint32_t origin, std::span<const topics::GroupId> groups, SlotId publisher) const;
  void begin_run(std::uint32_t origin, std::span<const topics::GroupId> groups, SlotId publisher);
  void deliver(const topics::Member& member, std::span<const Span> spans);
  [[nodiscard]] bool step_latest(topics::GroupId group, std::uint32_t& budget);
  [[nodiscard]] Latest::Run latest_run() const noexcept;
  void encode(const topics::Message& message, topics::TopicHandle topic);
  void compress(Protocol protocol, std::uint32_t compressions, const Encoded& encoded, const FrameRecord& record);
  [[nodiscard]] bool prepare_slow(std::uint32_t origin, const Delivery& delivery, std::uint32_t& budget);
  void begin_large(std::uint32_t origin, const Delivery& delivery);
  [[nodiscard]] Encoded take_large(const Encoded& encoded, Encoding encoding);
  void extend(Stream& stream, const Span& span);
  void end_run();

  const std::uint32_t self_;
  SessionTable& sessions_;
  topics::Subscriptions& subscriptions_;
  Compressor& compressor_;
  Latest& latest_;
  std::array<Codec*, kProtocols> codecs_{};
  std::array<Stream, kEncodings> streams_;
  Run run_;
  LargeMessage large_;                     // that is being prepared
  mutable std::vector<Segment*> current_;  // what current_segments() returned last
  Ran ran_;
  Counters counters_;
};

}  // namespace ringcast::broker
