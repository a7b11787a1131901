// Inquiries: what the operators' thread asks of one shard, and the shard's answers, in one place that changes hands.
//
// Each of the parts belongs to the operators' thread until ask(), to the shard until answer(). So there is no
// lock, nothing is copied twice, and at most one question of each kind is on its way: a shard that does not answer
// costs the operators' thread nothing but its answer.
//
// Threads:  the operators' thread calls is_mine() and ask(), main's for the configuration; the shard's thread calls the
//           rest; each touches a part only while it is its own.
// Hot path: the shard looks at one word per turn, which is written only when something is asked or answered.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/config.h"
#include "broker/connection_kind.h"
#include "broker/sample.h"
#include "broker/slot.h"
#include "broker/slow_list.h"
#include "topics/message.h"

namespace ringcast::broker {

// A value of one of the broker's own topics, for its home to publish.
struct OwnValue {
  std::string topic;
  std::uint64_t hash = 0;
  std::string payload;     // JSON
  bool published = false;  // the answer; false: there was no room
};

// An open connection, as operators see it.
struct ConnectionRow {
  std::uint32_t shard = 0;
  Slowest slow;  // with its slot
  std::string peer;
  std::string filter;  // of its first subscription; empty: none
  std::uint32_t subscriptions = 0;
  bool waits = false;  // its socket takes nothing at the moment
  bool closing = false;
};

// Which connections, and how many. Goes on with `from`, an index of slots; answered in as many turns as it takes.
struct ConnectionsQuery {
  std::uint32_t from = 0;
  std::uint32_t limit = 0;    // rows
  bool by_lag = false;        // those that owe most, instead of the first
  std::uint32_t kinds = ~0U;  // as bits
  std::string peer;           // begins with this
  std::string filter;         // has a subscription of exactly this filter; empty: any
  std::string topic;          // has a subscription that matches this topic; empty: any
  // The answer.
  std::vector<ConnectionRow> rows;
  std::uint64_t matched = 0;
  bool more = false;  // there is more from `from` on
};

// Closes a connection.
struct KickQuery {
  SlotId slot;
  std::uint16_t code = 0;
  std::string reason;
  bool found = false;  // the answer
};

struct TopicRow {
  std::string topic;
  std::uint64_t seq = 0;
  std::uint32_t shard = 0;
  bool kept = false;  // what follows is known: of the newest message that is kept
  topics::Op op = topics::Op::set;
  topics::Format format = topics::Format::binary;
  std::string content_type;
  std::uint64_t position = 0;
  std::int64_t time_us = 0;
  std::uint32_t payload_bytes = 0;
  // Added by other questions.
  std::uint64_t subscribers = 0;
  double rate_per_s = -1;  // below 0: not known
};

// Which topics; in the order of names.
struct TopicsQuery {
  std::string filter;
  std::string prefix;
  std::string after;        // a name; goes on behind it
  std::uint32_t limit = 0;  // rows
  bool brief = false;       // name and seq are enough
  // The answer.
  std::vector<TopicRow> rows;
  bool more = false;
};

// How many of the shard's subscriptions match each of these topics.
struct MembersQuery {
  std::vector<std::string> topics;
  std::vector<std::uint64_t> counts;  // the answer
};

struct SlowQuery {
  std::vector<SlowConsumer> rows;  // newest first
};

using Query = std::variant<ConnectionsQuery, KickQuery, TopicsQuery, MembersQuery, SlowQuery>;

// What a reload changes of a shard. Answered when all of it is in force.
struct ConfigUpdate {
  Config config;
  std::uint64_t memory_budget = 0;  // bytes
};

class Inquiries {
 public:
  enum class Part : std::uint8_t { sample = 1, own_value = 2, query = 4, config = 8 };

  // ---- the operators' thread; of Part::config main's ----

  // True when the shard does not have it (any more): what it answered may be read, and it may be asked again.
  [[nodiscard]] bool is_mine(Part part) const noexcept {
    return (asked_.load(std::memory_order_acquire) & std::to_underlying(part)) == 0;  // pairs with answer()
  }
  // Gives it to the shard, whose doorbell is to be rung. Requires: is_mine(part).
  void ask(Part part) noexcept {
    // seq_cst: pairs with the shard's announcement that it sleeps (Doorbell), which it makes before it looks here.
    asked_.fetch_or(std::to_underlying(part), std::memory_order_seq_cst);
  }

  // ---- the shard's thread ----

  [[nodiscard]] bool any() const noexcept { return asked_.load(std::memory_order_relaxed) != 0; }
  // The same with the order that sleeping needs.
  [[nodiscard]] bool any_before_sleep() const noexcept { return asked_.load(std::memory_order_seq_cst) != 0; }
  [[nodiscard]] bool asked(Part part) const noexcept {
    return (asked_.load(std::memory_order_acquire) & std::to_underlying(part)) != 0;  // pairs with ask()
  }
  // Gives it back. Requires: asked(part).
  void answer(Part part) noexcept {
    asked_.fetch_and(static_cast<std::uint8_t>(~std::to_underlying(part)), std::memory_order_release);
  }

  // ---- the parts: whose they are is said above ----

  Sample sample;
  OwnValue own_value;
  Query query;
  ConfigUpdate config;

 private:
  alignas(64) std::atomic<std::uint8_t> asked_ = 0;  // Parts, as bits
};

}  // namespace ringcast::broker
