// Requester: a shard's way to the homes of topics: one ring of requests to each, with what does not fit kept back.
//
// A publish that finds no room is the caller's to hold (its publisher is paused). Subscriptions, withdrawals and pulls
// are few and small: they wait here, per home, in order, so that draining a delivery never needs room in a ring.
//
// Thread: one shard's. Memory: messages in a ring stay this shard's until reclaim() sees that the home has passed them.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "broker/mesh.h"
#include "topics/message_pool.h"

namespace ringcast::broker {

class Requester {
 public:
  // What may lie unread in one ring of requests, in bytes of messages; one message always fits. Without this, a ring of
  // large messages would hold slots × message size.
  static constexpr std::size_t kBytesInFlightMax = 8 * 1024 * 1024;

  Requester(Mesh& mesh, std::uint32_t self, topics::MessagePool& pool);
  Requester(const Requester&) = delete;
  Requester& operator=(const Requester&) = delete;
  ~Requester();

  // Sends a publish to `home`. False when there is no room, or others wait: the message stays the caller's.
  [[nodiscard]] bool publish(std::uint32_t home, const Request& request);

  // Sends anything else to `home`, now or as soon as there is room. Takes over request.message.
  void send(std::uint32_t home, const Request& request);

  // Makes a message that carries a filter (or topic) and, for a pull, the topic to go on after.
  [[nodiscard]] topics::Message* note(std::string_view filter, std::string_view after = {});

  // Frees what homes have passed and sends what waited. True when a home that was full has room again.
  bool advance();

  // Shows the homes what was sent since the last call; the set of those that may need a wake.
  [[nodiscard]] topics::ShardSet flush();

  // True when something was sent since the last flush().
  [[nodiscard]] bool unflushed() const noexcept;

  // Before sleeping: asks each home that is full to wake us. True when one has made room meanwhile: do not sleep.
  [[nodiscard]] bool ask_for_room();

  [[nodiscard]] std::size_t waiting() const noexcept;  // requests that found no room yet

 private:
  struct Target {
    std::deque<Request> waiting;
    std::size_t bytes_in_flight = 0;
    bool full = false;  // a publish was refused since the last advance() that made room
  };

  [[nodiscard]] bool push(std::uint32_t home, const Request& request);
  void reclaim(std::uint32_t home);

  Mesh& mesh_;
  const std::uint32_t self_;
  topics::MessagePool& pool_;
  std::vector<Target> targets_;
};

}  // namespace ringcast::broker
