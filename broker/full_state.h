// FullState: what a connection that speaks the full protocol needs beside its Session. On the heap, so that the many
// raw ones do not pay for it.
//
// Thread: one shard's.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "broker/instant.h"
#include "broker/lag_state.h"
#include "broker/unanswered.h"

namespace ringcast::broker {

// The id of the subscription that a URL names; those of requests are 1 or more.
inline constexpr std::uint64_t kUrlSubscription = 0;

// Of a connection with LATEST subscriptions: whether a topic may match several of its subscriptions (broker/latest.h).
struct LatestUse {
  std::uint32_t subscriptions = 0;  // LATEST ones
  std::uint32_t wildcards = 0;      // filters with wildcards, EVERY's too
  std::uint64_t overlaps = 0;       // pairs of subscriptions that a topic may match both of, one at least LATEST
  bool many_wildcards = false;      // there were too many to compare; stays so
};

struct FullState {
  // What may be unanswered before no more is read: what a round trip to a busy home takes at full rate. A producer that
  // sends on is slowed by TCP, never cut. A batch may go over it once.
  static constexpr std::size_t kUnansweredMax = 1024;                  // publishes
  static constexpr std::size_t kUnansweredBytesMax = 4 * 1024 * 1024;  // of payloads
  // Subscriptions that are starting before no more requests are read: each has an answer of every home under way.
  static constexpr std::uint32_t kJoinsMax = 64;

  // The opening: hello may come first, once.
  bool greeted = false;
  bool requested = false;  // anything was asked: it is too late for hello
  bool wants_credit = false;
  bool cumulative_acks = false;
  bool checkpoints = false;
  bool must_identify = false;  // may do nothing until a hello brings a token
  bool in_turn_list = false;   // FullSession's list of those that are owed cumulative acks or credit
  bool told_to_go = false;     // by a GoAway

  // As a producer.
  std::uint64_t producer_id = 0;
  std::uint64_t incarnation = 0;     // 0: nobody's; its publishes cannot be recognised
  std::uint32_t claims_missing = 0;  // homes that have not answered; the welcome waits
  std::uint32_t claim_ticket = 0;
  bool claim_known = false;  // a home remembers the producer
  bool claim_failed = false;
  std::uint64_t hello_id = 0;
  std::uint64_t last_publish_id = 0;
  Unanswered unanswered;
  std::uint64_t acked_up_to = 0;      // was told, with cumulative acks
  std::uint64_t credit_messages = 0;  // was told
  std::uint64_t credit_bytes = 0;

  // As a subscriber.
  std::unordered_map<std::uint64_t, std::uint32_t> by_id;  // id -> index in Session::subscriptions
  std::vector<std::uint32_t> free;                         // indexes of entries to use again
  std::deque<std::uint32_t> to_pull;  // subscriptions with chunks to fetch, one chunk at a time for the connection
  LatestUse latest;
  std::uint32_t changes_waiting = 0;   // subscriptions whose Change waits for the end of a fan-out
  std::int64_t watched_s = INT64_MAX;  // when the Authenticator's entry for it comes up, UTC
  Instant refresh_from{0};             // no earlier is another token taken
  std::unique_ptr<LagState> lag;       // while the connection is behind, or was and was not told that it caught up

  // Whether anything was published, or tried to be.
  [[nodiscard]] bool publishes() const noexcept { return unanswered.size() > 0 || unanswered.answered() > 0; }
  [[nodiscard]] bool may_read(std::uint32_t joins) const noexcept {
    return claims_missing == 0 && changes_waiting == 0 && joins < kJoinsMax && unanswered.size() < kUnansweredMax &&
           unanswered.bytes() < kUnansweredBytesMax;
  }
};

}  // namespace ringcast::broker
