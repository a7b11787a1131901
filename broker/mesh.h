// Mesh: the rings between all shards of a process, and the doorbells of those that sleep.
//
// Two rings for each ordered pair of shards, a shard and itself included. One ring for both would deadlock: a home that
// waits for room to deliver would leave unread the very ring whose reading makes that room (README, "Two rings").
// Requests go to a topic's home; deliveries come from it. Draining a delivery never needs room in any ring.
//
// Thread: each ring has one producing and one consuming shard (Queue). The doorbells are shared by all.
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "broker/instant.h"
#include "broker/memory_use.h"
#include "broker/queue.h"
#include "broker/slot.h"
#include "topics/home.h"
#include "topics/idempotency_keys.h"
#include "topics/message.h"
#include "topics/producers.h"
#include "topics/resumed.h"
#include "topics/topic_handle.h"

namespace ringcast::broker {

// By what a home recognises that a publish is a repeat: not at all, a producer's numbering, or a key given with it.
using Repeat = std::variant<std::monostate, topics::ProducerSeq, topics::KeyedBody>;

// What a pull wants of what the home keeps.
enum class Pull : std::uint8_t {
  kept,          // the last `replay_max` messages of each topic; 0: its value, if it has one
  every_since,   // every message after `since`, REMOVEs included
  newest_since,  // of each topic that changed after `since` the newest message, a REMOVE included
};

// What a shard asks of a topic's home.
struct Request {
  enum class Kind : std::uint8_t {
    publish,    // message: what to publish
    subscribe,  // message: the filter. Answered by a marker
    withdraw,   // message: the filter, which has no subscriber left on the asking shard
    pull,       // message: the filter, and in its payload the topic to go on after; with after_seq and after_topic
                // these are what the last snapshot_end said, at first empty. Answered by snapshots, snapshot_end
    claim,      // repeat: the producer and incarnation that `slot` publishes by from now on; older ones are refused.
                // Answered by claimed
    catch_up,   // answered by caught_up, behind all that the asking shard's earlier requests have caused
    hand_over,  // fd: an accepted connection that the target shall keep
  };
  Kind kind = Kind::publish;
  bool wants_ack = false;          // publish: acknowledge success too, not only refusal
  bool tls = false;                // hand_over: it came to the TLS listener
  bool first = false;              // subscribe: the asking shard had no subscriber of this filter before
  std::uint32_t subscription = 0;  // subscribe, pull: index in the session
  std::uint32_t ticket = 0;        // echoed in the answer, so that a late one is recognised
  int fd = -1;
  std::uint32_t bytes = 0;       // of the message, as the sender counts what is in flight
  bool sender_releases = true;   // the message stays the sender's until the home has passed the entry
  bool same_pool = false;        // publish to the sender's own shard: the message is the home's already
  SlotId slot;                   // whom the answer is for
  std::uint64_t position = 0;    // pull: only what was published up to here. subscribe: what the asker has already
  std::uint32_t replay_max = 0;  // pull: up to so many kept messages of each topic; 0: its last value
  std::uint64_t after_seq = 0;   // pull: of the topic to go on after, what is above this is still to come; 0: none
  Pull pull = Pull::kept;
  topics::TopicHandle after_topic;      // pull …_since: where to go on, if not by name
  std::uint64_t since = 0;              // pull …_since: a position of this home, up to which the subscriber has all
  std::int64_t since_us = INT64_MIN;    // pull …_since: older messages are not wanted; UTC
  Repeat repeat;                        // publish, claim
  Instant deadline = Instant::never();  // publish: refuse it when taken later than this
  topics::Message* message = nullptr;
};

// What came of a publish.
enum class Outcome : std::uint8_t {
  sequenced,           // or claimed
  expired,             // waited for room longer than its deadline: certainly not published
  too_many_topics,     // a new topic beyond the limit: certainly not published
  memory_full,         // last values and history hold all they may: certainly not published
  duplicate,           // was published before; not delivered again. With a key: seq, position, time of the first
  too_old,             // below the window in which repeats are recognised: not known whether it was published
  fenced,              // another connection is this producer now: not published, not claimed
  too_many_producers,  // certainly not published
  key_reused,          // the key came before with another body: certainly not published
};

inline constexpr std::size_t kOutcomes = 9;

// What a home sends to a shard that is interested, or that asked.
struct Delivery {
  enum class Kind : std::uint8_t {
    message,       // live
    marker,        // from here on the subscription is live for this home; position: where that is
    snapshot,      // a last value, or kept message, for one subscription
    snapshot_end,  // of a chunk; message, seq and topic: the topic, after_seq and after_topic to go on with; no
                   // message: all is said. resumed: what came of a pull …_since, in this chunk: of all chunks the worst
                   // counts
    ack,           // outcome of the publish that `ticket` names
    claimed,       // outcome of the claim that `ticket` names: sequenced (duplicate: the producer was known), fenced,
                   // too_many_producers
    fenced,        // the session in `slot` is no longer the producer that it was
    caught_up,     // what the session in `slot` asked for before its catch_up was delivered
  };
  Kind kind = Kind::message;
  Outcome outcome = Outcome::sequenced;
  topics::Resumed resumed = topics::Resumed::recovered;
  bool unchanged = false;  // marker: nothing of the filter came between Request::position and this one, for sure
  std::uint32_t subscription = 0;
  std::uint32_t ticket = 0;
  SlotId slot;
  topics::TopicHandle topic;
  std::uint64_t seq = 0;
  std::uint64_t position = 0;
  std::int64_t time_us = 0;
  topics::Message* message = nullptr;  // the home's; readable until the consumer passes the entry
};

// Tells whether a shard sleeps, so that a wake (7 µs) is paid only when it does.
class Doorbell {
 public:
  // The shard is about to sleep: it must look at all its rings once more after this.
  void announce_sleep() noexcept { sleeping_.store(true, std::memory_order_seq_cst); }
  // The shard is awake.
  void rise() noexcept { sleeping_.store(false, std::memory_order_seq_cst); }
  // True when the caller, who has just flushed something to the shard, must wake it; false for all others until it
  // sleeps again.
  [[nodiscard]] bool ring() noexcept {
    return sleeping_.load(std::memory_order_seq_cst) && sleeping_.exchange(false, std::memory_order_seq_cst);
  }

 private:
  alignas(64) std::atomic<bool> sleeping_ = false;
};

class Mesh {
 public:
  struct Options {
    std::uint32_t shards = 1;                  // 1..64: a set of shards is one word
    std::uint32_t requests_capacity = 1024;    // entries of each ring of requests, a power of two
    std::uint32_t deliveries_capacity = 4096;  // entries of each ring of deliveries, a power of two
  };

  explicit Mesh(const Options& options) : shards_(options.shards), memory_(options.shards), doorbells_(options.shards) {
    assert(shards_ >= 1);
    assert(shards_ <= topics::kShardsMax);
    for (std::uint32_t pair = 0; pair < shards_ * shards_; ++pair) {
      requests_.push_back(std::make_unique<Queue<Request>>(options.requests_capacity));
      deliveries_.push_back(std::make_unique<Queue<Delivery>>(options.deliveries_capacity));
    }
    for (auto& bell : doorbells_) bell = std::make_unique<Doorbell>();
  }

  [[nodiscard]] std::uint32_t shards() const noexcept { return shards_; }
  [[nodiscard]] Queue<Request>& requests(std::uint32_t from, std::uint32_t to) {
    return *requests_[from * shards_ + to];
  }
  [[nodiscard]] Queue<Delivery>& deliveries(std::uint32_t from, std::uint32_t to) {
    return *deliveries_[from * shards_ + to];
  }
  [[nodiscard]] Doorbell& doorbell(std::uint32_t shard) { return *doorbells_[shard]; }
  [[nodiscard]] MemoryUse& memory() noexcept { return memory_; }

 private:
  std::uint32_t shards_;
  MemoryUse memory_;
  std::vector<std::unique_ptr<Queue<Request>>> requests_;     // [from * shards + to]
  std::vector<std::unique_ptr<Queue<Delivery>>> deliveries_;  // [from * shards + to]
  std::vector<std::unique_ptr<Doorbell>> doorbells_;
};

}  // namespace ringcast::broker
