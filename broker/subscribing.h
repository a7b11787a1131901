// Subscribing: how a subscription starts, in one atomic step, and how it ends.
//
// A subscription is announced to the homes of its topics. Each answers with a marker in the same ring that carries its
// messages: what comes after the marker is live. If the last values are wanted, they are pulled then, in chunks and
// only while the connection has room, of topics last changed before the marker: so nothing is lost or doubled in
// between.
//
// Thread: one shard's.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "broker/codec.h"
#include "broker/requester.h"
#include "broker/session_table.h"
#include "topics/subscriptions.h"

namespace ringcast::broker {

class Subscribing {
 public:
  // A connection that owes more than this takes no further chunk of last values until it has sent some; bytes. Half of
  // what a chunk brings, so that the next one is under way while the last is being sent.
  static constexpr std::size_t kPullWhileOwedMax = 16 * 1024;

  struct Options {
    bool wants_last = false;
    bool upgrades = false;  // markers complete the opening handshake
  };

  Subscribing(std::uint32_t shards, topics::HashKey key, Requester& requester, SessionTable& sessions,
              topics::Subscriptions& subscriptions);

  // Adds a subscription of the valid, permitted `filter` to the session, which joins nothing else at the moment.
  [[nodiscard]] std::expected<void, topics::Error> subscribe(SlotId slot, std::string_view filter,
                                                             const Options& options);

  // A home has answered. True when that was the last marker of a join that upgrades: the connection is open now.
  [[nodiscard]] bool marker(std::uint32_t origin, const Delivery& delivery);

  // One of the last values that the session's subscription begins with.
  void snapshot(const Delivery& delivery, const Codec& codec);
  void snapshot_end(std::uint32_t origin, const Delivery& delivery);

  // The connection has sent what it owed, or part of it: pulls what was put off.
  void sent(SlotId slot);

  // Asks the topic's home for its last value, for the session's HTTP exchange.
  void fetch(SlotId slot, std::string_view topic, std::uint32_t ticket);

  // Ends all subscriptions of the session.
  void leave(Session& session);

 private:
  void pull(SlotId slot, Session& session);
  void apply(const topics::Moves& moves);

  const std::uint32_t shards_;
  const topics::HashKey key_;
  Requester& requester_;
  SessionTable& sessions_;
  topics::Subscriptions& subscriptions_;
};

}  // namespace ringcast::broker
