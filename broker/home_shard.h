// HomeShard: a shard in its role as the home of topics. Takes requests, gives sequence numbers, hands messages over to
// every shard that has a subscriber.
//
// A request is taken only after room for all that it causes is there: one delivery in each interested shard's ring,
// this shard's own included, and the ack; for a claim, the answers to both connections. Otherwise it stays where it is,
// and so do those behind it: that is backpressure.
//
// Thread: one shard's. Messages belong to this shard from the moment their request is taken; a delivery ring holds one
// reference until its reader has passed.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/config.h"
#include "broker/instant.h"
#include "broker/mesh.h"
#include "broker/repeats.h"
#include "topics/home.h"

namespace ringcast::broker {

// A connection that another shard accepted.
struct HandedOver {
  int fd = -1;
  bool tls = false;  // by its TLS listener
};

class HomeShard {
 public:
  // What may lie unread in one ring of deliveries, in bytes of messages; one message always fits.
  static constexpr std::size_t kBytesInFlightMax = 16 * 1024 * 1024;
  static constexpr std::uint32_t kSnapshotMessages = 64;  // per pull, and
  static constexpr std::size_t kSnapshotBytes =
      32 * 1024;  // of payload, but at least one message: what an outbox takes
  // Topics looked at for one subscriber that comes back: some 20 µs. Of a filter with more it is not known then.
  static constexpr std::uint32_t kUnchangedVisitsMax = 1'024;
  static constexpr std::uint32_t kDueVisits = 128;  // topics looked at per turn for what time does to them: some 20 us

  struct Counters {
    std::uint64_t published = 0;                      // sequenced, for publishers
    std::uint64_t published_bytes = 0;                // their payloads
    std::uint64_t refused = 0;                        // by a limit, or fenced
    std::array<std::uint64_t, kOutcomes> outcomes{};  // of these and of those that came too late, by Outcome
    std::uint64_t duplicates = 0;                     // published before: acknowledged, nothing else
    std::uint64_t expired = 0;                        // waited too long for room
    std::uint64_t stalls = 0;                         // turns in which a request found no room
    std::uint64_t deliveries = 0;                     // pushed, one per interested shard
    std::uint64_t expired_values = 0;                 // for which a REMOVE was published here
  };

  HomeShard(Mesh& mesh, std::uint32_t self, topics::HashKey key, const Config& config, topics::MessagePool& pool);
  HomeShard(const HomeShard&) = delete;
  HomeShard& operator=(const HomeShard&) = delete;
  ~HomeShard();

  // From now on this is the configuration. reclassify() does what of it takes its time, in several turns; true: done.
  void configure(const Config& config);
  [[nodiscard]] bool reclassify() { return home_.reclassify(kDueVisits); }

  // Frees what readers have passed.
  void reclaim();

  // Takes up to `budget` requests of each shard, and removes what has expired. True when a budget ended it, so that
  // there may be more to do.
  bool take(const Now& now, std::uint32_t budget);

  // Publishes a value of the broker's own topic `name`, whose home this is. False when there is no room now.
  [[nodiscard]] bool publish_own(std::string_view name, std::uint64_t hash, std::string_view payload, const Now& now);

  // When something may expire. Nothing wakes the shard for it but this.
  [[nodiscard]] Instant next_deadline() const noexcept { return {home_.next_due_ms()}; }

  // Shows the readers what was pushed since the last call; the set of those that may need a wake.
  [[nodiscard]] topics::ShardSet flush();

  // The shards whose request rings got room and that asked to be told. Cleared by the call.
  [[nodiscard]] topics::ShardSet take_room_made() noexcept;

  // Before sleeping: asks each reader whose ring is too full to wake us. True when one has made room meanwhile.
  [[nodiscard]] bool ask_for_room();

  // Before sleeping: true when there is a request that was not found to lack room.
  [[nodiscard]] bool has_requests();

  // The readers in whose rings requests found no room, as the last take() found.
  [[nodiscard]] topics::ShardSet stalled_on() const noexcept { return stalled_on_; }

  // Connections that other shards have handed over to this one. The caller clears it.
  [[nodiscard]] std::vector<HandedOver>& handed_over() noexcept { return handed_over_; }

  [[nodiscard]] const topics::Home& home() const noexcept { return home_; }
  [[nodiscard]] const Repeats& repeats() const noexcept { return repeats_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  struct Reader {
    std::size_t bytes_in_flight = 0;
  };
  enum class Taken : std::uint8_t { yes, no_room };

  [[nodiscard]] Taken take_one(std::uint32_t from, Request& request, const Now& now);
  [[nodiscard]] Taken publish(std::uint32_t from, Request& request, const Now& now);
  [[nodiscard]] Taken subscribe(std::uint32_t from, const Request& request);
  [[nodiscard]] Taken pull(std::uint32_t from, const Request& request);
  [[nodiscard]] bool is_over_memory(const Request& publish) const;
  void sequence(topics::TopicHandle topic, topics::Message* message, const Now& now);
  [[nodiscard]] bool expire(const Now& now);
  [[nodiscard]] Taken repeated(std::uint32_t from, Request& request, const Repeats::Checked& checked, Instant now);
  [[nodiscard]] Taken claim(std::uint32_t from, const Request& request, Instant now);
  void discard(Request& request);
  [[nodiscard]] bool has_room(std::uint32_t reader, std::size_t entries, std::size_t bytes);
  void push(std::uint32_t reader, Delivery delivery);
  void free(std::uint32_t reader, Delivery& delivery);

  Mesh& mesh_;
  const std::uint32_t self_;
  std::size_t memory_max_bytes_;
  topics::MessagePool& pool_;
  topics::Home home_;
  Repeats repeats_;
  std::vector<Reader> readers_;
  std::vector<HandedOver> handed_over_;
  topics::ShardSet room_made_ = 0;
  std::uint32_t first_ = 0;          // whose requests are taken first: it rotates
  topics::ShardSet stalled_ = 0;     // shards whose oldest request found no room, as the last take() found
  topics::ShardSet stalled_on_ = 0;  // readers without room, as the last take() found
  Counters counters_;
};

}  // namespace ringcast::broker
