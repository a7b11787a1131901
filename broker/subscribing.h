// Subscribing: how a subscription starts, in one atomic step, and how it ends.
//
// A subscription is announced to the homes of its topics. Each answers with a marker in the same ring that carries its
// messages: what comes after the marker is live. If kept messages are wanted, they are pulled then, in chunks and only
// while the connection has room, from before the marker: so nothing is lost or doubled in between. Last values are
// those of topics last changed before it, and need not come before live messages of other topics; of the last N, and of
// all that was missed, each topic's live ones wait until they have been sent. A connection pulls one chunk at a time.
// Who was here before (Since) is told what came of it: recovered, conflated or a gap, of all homes the worst.
//
// Thread: one shard's.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/codec.h"
#include "broker/compressor.h"
#include "broker/latest.h"
#include "broker/requester.h"
#include "broker/session_table.h"
#include "broker/since.h"
#include "topics/subscriptions.h"

namespace ringcast::broker {

class Subscribing {
 public:
  // A connection that owes more than this takes no further chunk of last values until it has sent some; bytes. Half of
  // what a chunk brings, so that the next one is under way while the last is being sent.
  static constexpr std::size_t kPullWhileOwedMax = 16 * 1024;

  enum class Begin : std::uint8_t { now, last_values, last_n, since };
  struct Options {
    std::uint64_t id = 0;  // the client's name for it
    Begin begin = Begin::now;
    std::uint32_t last_count = 0;  // with last_n
    bool echo = true;
    proto::OnLag on_lag = proto::OnLag::unspecified;
    Pace pace = kEveryMessage;     // or LATEST
    bool upgrades = false;         // markers complete the opening handshake
    const Since* since = nullptr;  // with since: every message, or of LATEST the newest of each topic that changed
  };

  // What a subscription has come to: for its session's protocol to tell.
  struct Started {
    SlotId slot;
    std::uint32_t subscription = 0;  // index in the session
    bool live = false;               // from here on; else it was before
    bool complete = false;           // all that it begins with was given to the outbox
    bool upgrades = false;
    bool in_order = false;  // what it begins with comes before live messages
    bool resumes = false;   // complete: it began with what was missed, as far as `resumed` says;
    topics::Resumed resumed = topics::Resumed::recovered;
    bool foreign = false;  // which was known before
  };

  Subscribing(std::uint32_t shards, topics::HashKey key, Requester& requester, SessionTable& sessions,
              topics::Subscriptions& subscriptions, Compressor& compressor, Latest& latest);

  // Adds a subscription of the valid, permitted `filter` to the session; its index there. In the full protocol, live
  // messages of the connection wait (SessionTable::hold) if some could come before the subscription is told of, or
  // before older ones: Subscription::holds.
  [[nodiscard]] std::expected<std::uint32_t, topics::Error> subscribe(SlotId slot, std::string_view filter,
                                                                      const Options& options);

  // A home has answered.
  void marker(std::uint32_t origin, const Delivery& delivery);

  // One of the messages that the session's subscription begins with.
  void opening_message(const Delivery& delivery, Codec& codec);
  void opening_end(std::uint32_t origin, const Delivery& delivery);

  // What has started since; the caller clears it.
  [[nodiscard]] std::vector<Started>& started() noexcept { return started_; }

  // The connection has sent what it owed, or part of it: pulls what was put off.
  void sent(SlotId slot);

  // Asks the topic's home for its last value, for the session's HTTP exchange.
  void fetch(SlotId slot, std::string_view topic, std::uint32_t ticket);

  [[nodiscard]] std::uint32_t shards() const noexcept { return shards_; }
  [[nodiscard]] std::string_view filter(const Subscription& subscription) const {
    return subscriptions_.filter(subscription.place);
  }

  // The subscription at `index` has another pace from now on. Requires: no run is pending.
  void change(SlotId slot, Session& session, std::uint32_t index, Pace pace) {
    latest_.change(slot, session, index, pace);
  }
  // Ends the subscription at `index` of the session, of which nothing comes any more.
  void leave(SlotId slot, Session& session, std::uint32_t index);
  // Ends all subscriptions of the session.
  void leave_all(SlotId slot, Session& session);

 private:
  [[nodiscard]] static Join* join_of(Session& session, const Delivery& delivery);
  [[nodiscard]] std::uint32_t tag_of(std::string_view filter) const;
  [[nodiscard]] static std::uint32_t take_entry(Session& session);
  static std::uint64_t begin_at(const Since* since, std::uint32_t home, Join& join, JoinOrigin& origin);
  [[nodiscard]] std::unique_ptr<Join> announce(SlotId slot, std::uint32_t index, std::string_view filter,
                                               const topics::Subscriptions::Joined& joined, const Options& options);
  void pull(SlotId slot, Session& session);
  void pull_from(SlotId slot, Session& session, std::uint32_t index, JoinOrigin& origin);
  void end_join(Session& session, std::uint32_t index);
  void end(SlotId slot, Session& session, std::uint32_t index);

  const std::uint32_t shards_;
  const topics::HashKey key_;
  Requester& requester_;
  SessionTable& sessions_;
  topics::Subscriptions& subscriptions_;
  Compressor& compressor_;
  Latest& latest_;
  std::vector<Started> started_;
};

}  // namespace ringcast::broker
