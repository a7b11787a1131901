// World: two shards with their connections over pipes in memory, a guest that sends what the fuzzer invents, and two
// well-behaved clients of the same broker: a publisher beside the guest, and a subscriber to `#` on the other shard,
// whose messages are the truth about what was published.
//
// No sockets, no clock, no chance: a run depends on nothing but what it is told. Thread: one.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/io/connections.h"
#include "frame/parser.h"

namespace ringcast::fuzz {

using frame::Bytes;

// A client's end of a connection: what it sent and the broker has not read, what it got.
struct Pipe {
  std::uint32_t shard = 0;
  SlotId slot;
  std::deque<std::string> sending;  // one element is one receive
  bool finished = false;            // sends no more
  bool reset = false;
  std::size_t room = SIZE_MAX;  // bytes that the socket takes
  std::string got;
  bool fin = false;     // the broker sends no more
  bool closed = false;  // the broker has let go

  bool receive_armed = false;
  bool receive_cancelled = false;
  bool shut_down = false;
  bool poll_armed = false;
  bool send_armed = false;
  std::span<const std::uint8_t> send_data;
};

// A message as the subscriber to `#` got it.
struct Heard {
  std::uint64_t seq = 0;
  std::string what;  // everything else but time and position

  friend bool operator==(const Heard&, const Heard&) = default;
};

using Truth = std::map<std::string, std::vector<Heard>, std::less<>>;  // by topic, in order

class World final : private io::Backend {
 public:
  struct Options {
    std::uint64_t outbox_max_bytes = 4 * broker::kMiB;
    std::uint32_t ring_slots = 64;
  };

  explicit World(const Options& options);
  ~World() override;

  [[nodiscard]] Pipe& guest() noexcept { return *pipes_[0]; }
  // The publisher publishes its next message.
  void publish();
  // The subscriber has all that was published so far by the publisher, in order.
  void require_heard();
  [[nodiscard]] const Truth& truth() const noexcept { return truth_; }

  // One turn of each shard. True when there is more to do.
  bool turn();
  // Until nothing is left to do without an event. Breaks the property when that takes too long for `bytes` of input.
  void settle(std::size_t bytes);
  void pass_time(std::int64_t ms) { now_.monotonic = now_.monotonic + ms; }
  void drain();

  // Everybody goes; nothing may be left.
  void end();
  void check_invariants();

 private:
  class Witness;

  [[nodiscard]] const char* name() const noexcept override { return "fuzzed"; }
  void submit(std::span<const io::Operation> operations) override;
  [[nodiscard]] std::span<const io::Short> send(std::span<const io::Send> sends) override;
  [[nodiscard]] std::span<const io::Completion> reap(std::int64_t) override { return {}; }
  void wake() noexcept override {}

  Pipe& connect(std::uint32_t shard);
  void collect(std::uint32_t shard);
  void collect_receive(Pipe& pipe);
  void collect_room(Pipe& pipe);
  bool turn(std::uint32_t shard);
  void check_nothing_left();

  static constexpr std::uint32_t kShards = 2;

  broker::Config config_;
  broker::Mesh mesh_;
  Now now_{.monotonic = {1'000}, .utc_us = 1'000'000};
  std::array<std::unique_ptr<broker::Shard>, kShards> shards_;
  std::array<std::unique_ptr<io::Connections>, kShards> connections_;
  std::vector<std::unique_ptr<Pipe>> pipes_;  // by descriptor: guest, subscriber, publisher
  std::vector<io::Completion> completions_;
  std::vector<std::unique_ptr<std::uint8_t[]>> buffers_;  // of the completions, as long as they are
  std::vector<io::Short> shorts_;
  std::unique_ptr<Witness> subscriber_;
  std::unique_ptr<Witness> publisher_;
  std::uint32_t published_ = 0;
  Truth truth_;
};

// A client's frame, masked.
[[nodiscard]] std::string client_frame(const frame::Header& header, std::string_view payload);

}  // namespace ringcast::fuzz
