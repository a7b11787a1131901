// Attendant: answers what the operators' thread asks of a shard, a bounded piece in each turn.
//
// Thread: one shard's. Called once a turn, before Shard::turn(), so that what it publishes and closes goes out in it.
#pragma once

#include <cstdint>
#include <string>

#include "broker/inquiries.h"
#include "broker/io/connections.h"
#include "broker/journal_ring.h"
#include "broker/shard.h"

namespace ringcast::io {

class Attendant {
 public:
  // What one turn looks at: some tens of microseconds.
  static constexpr std::uint32_t kConnectionVisits = 256;    // slots
  static constexpr std::uint32_t kSubscriptionVisits = 512;  // of these, when they are looked through
  static constexpr std::uint32_t kPeerLookups = 64;          // system calls
  static constexpr std::uint32_t kTopicVisits = 256;
  static constexpr std::uint32_t kMemberVisits = 64;  // topics whose subscribers are counted

  struct Loop {
    std::uint64_t turns = 0;
    std::uint64_t wakes = 0;
  };

  Attendant(broker::Shard& shard, Connections& connections, broker::Mesh& mesh, broker::Inquiries& inquiries);

  // True when something was answered: the operators' thread is to be woken.
  [[nodiscard]] bool turn(const Loop& loop, const Now& now) { return inquiries_.any() && turn_slow(loop, now); }
  // There is more to do at once.
  [[nodiscard]] bool busy() const noexcept { return busy_; }
  // Before sleeping, after the announcement.
  [[nodiscard]] bool must_not_sleep() const noexcept { return inquiries_.any_before_sleep(); }

  // Files what the shard's journal has of this turn, with the addresses of peers whose sockets are still there. True:
  // the operators' thread is to be woken.
  [[nodiscard]] bool file(broker::JournalRing& ring);

  // Finds out who the slow consumers are that were closed in this turn, while their sockets are there.
  void name_slow(std::int64_t now_us);

 private:
  enum class Done : std::uint8_t { yes, not_yet };

  [[nodiscard]] bool turn_slow(const Loop& loop, const Now& now);
  void sample(const Loop& loop, Instant now);
  [[nodiscard]] Done configure();
  [[nodiscard]] Done answer(broker::ConnectionsQuery& query, Instant now);
  [[nodiscard]] Done answer(broker::KickQuery& query, Instant now);
  [[nodiscard]] Done answer(broker::TopicsQuery& query, Instant now);
  [[nodiscard]] Done answer(broker::MembersQuery& query, Instant now);
  [[nodiscard]] Done answer(broker::SlowQuery& query, Instant now);
  [[nodiscard]] bool subscribes(const broker::Session& session, const broker::ConnectionsQuery& query,
                                std::uint32_t& visits) const;
  void add_row(broker::ConnectionsQuery& query, SlotId slot, const broker::Session& session, std::string peer,
               Instant now) const;

  broker::Shard& shard_;
  Connections& connections_;
  broker::Mesh& mesh_;
  broker::Inquiries& inquiries_;
  bool busy_ = false;
  bool configuring_ = false;  // the shard has the new configuration, and goes on with what takes its time
};

}  // namespace ringcast::io
