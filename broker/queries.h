// Queries: the questions of /api/v1 that shards must look for: connections, topics, slow consumers. Pure.
//
// One call at a time, the others wait: each asks shards by their one Inquiries, and all of them are for people. A shard
// that does not answer in time makes its call fail, with its number, and not the calls that do not need it.
// Thread: the operators'.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/admin_request.h"
#include "broker/admin_session.h"
#include "broker/inquiries.h"
#include "broker/instant.h"
#include "topics/shard_set.h"

namespace ringcast::broker {

// Names a request on its way: which connection of the operators' port it is of.
using CallId = std::uint64_t;

struct Answered {
  CallId call = 0;
  AdminAnswer answer;
};

class Queries {
 public:
  static constexpr std::int64_t kPatienceMs = 5'000;    // of a call, for the shards that it needs
  static constexpr std::uint32_t kRankedMax = 20'000;   // topics of a shard that are compared by rate
  static constexpr std::size_t kSeenMax = 200'000;      // topics whose last count is remembered for rates
  static constexpr std::int64_t kRateMinMs = 200;       // between two counts: closer ones make no rate
  static constexpr std::int64_t kRateMaxMs = 60'000;    // farther ones no present one
  static constexpr std::int64_t kSeenIntervalMs = 900;  // older counts are replaced

  explicit Queries(std::span<Inquiries> inquiries) : inquiries_(inquiries), to_ask_(inquiries.size()) {}

  // Requires: a request that shards must look for (is_query()).
  void begin(CallId call, AdminRequest request);
  [[nodiscard]] static bool is_query(const AdminRequest& request) noexcept;
  // Nobody waits for its answer any more.
  void forget(CallId call);

  // Takes what was answered, asks on, answers what is complete. The shards whose doorbells are to be rung.
  [[nodiscard]] topics::ShardSet turn(Instant now, std::vector<Answered>& answered);
  [[nodiscard]] Instant next_deadline() const noexcept { return active_ ? calls_.front().until : Instant::never(); }

 private:
  struct Call {
    CallId id = 0;  // 0: forgotten
    AdminRequest request;
    Instant until = Instant::never();
  };
  struct Seen {
    std::uint64_t seq = 0;
    Instant at;
  };

  void start(Instant now);
  void ask(std::uint32_t shard, Query query);
  void ask_all(const Query& query);
  [[nodiscard]] topics::ShardSet send();
  void collect();
  void end(AdminAnswer answer, std::vector<Answered>& answered);
  [[nodiscard]] std::optional<AdminAnswer> next(Instant now);

  void ask_for(const GetConnections& get);
  void ask_for(const GetConnection& get);
  void ask_for(const CloseConnection& close);
  void ask_for(const GetTopics& get);
  void ask_for(const GetSlow& get);
  [[nodiscard]] AdminAnswer answer_connections(const GetConnections& get);
  [[nodiscard]] AdminAnswer answer_connection(const GetConnection& get);
  [[nodiscard]] AdminAnswer answer_close(const CloseConnection& close);
  [[nodiscard]] AdminAnswer answer_slow(const GetSlow& get);
  void merge_topics(const GetTopics& get, Instant now);
  [[nodiscard]] AdminAnswer answer_topics();
  void fill_rate(TopicRow& row, Instant now);

  const std::span<Inquiries> inquiries_;
  std::deque<Call> calls_;
  bool active_ = false;                       // the first call is being worked on
  std::vector<std::optional<Query>> to_ask_;  // by shard: has not got it yet, because it still has an older one
  topics::ShardSet asked_ = 0;                // shards that have a query of the active call
  std::vector<std::pair<std::uint32_t, Query>> collected_;  // of the active call, in the order of shards
  std::vector<TopicRow> rows_;                              // of the active call, whose subscribers are being counted
  bool counts_subscribers_ = false;
  bool more_rows_ = false;
  std::unordered_map<std::string, Seen> seen_;  // by topic
};

}  // namespace ringcast::broker
