// Desk: what the operators' thread knows and asks: the last samples of all shards, the once-a-second stats, and the
// answers to whatever the operators' port is asked. Pure: time and requests come in, doorbells to ring and answers go
// out.
//
// Thread: the operators'. It never waits for a shard: one that does not answer is missing from what is said, and told.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/admin_request.h"
#include "broker/admin_session.h"
#include "broker/exposition.h"
#include "broker/inquiries.h"
#include "broker/instant.h"
#include "broker/queries.h"
#include "broker/reload_box.h"
#include "broker/stats.h"
#include "topics/hash.h"
#include "topics/shard_set.h"

namespace ringcast::broker {

class Desk {
 public:
  static constexpr std::int64_t kStatsIntervalMs = 1'000;
  // So long the stats, and /metrics, wait for a shard; then they tell its last numbers, and that they are.
  static constexpr std::int64_t kSamplePatienceMs = 500;
  // A shard that has not come round its loop for so long is not alive: some hundred times what a busy turn takes.
  static constexpr std::int64_t kLivePatienceMs = 1'000;

  // So long a POST waits for its reload: files to read, and shards that go over to other history rules.
  static constexpr std::int64_t kReloadPatienceMs = 15'000;

  // What the desk asks of others than shards.
  struct Services {
    std::string (*exposition)(const About&, State, std::span<const Sampled>, topics::ShardSet,
                              const ProcessFigures&) = nullptr;
    std::function<ProcessFigures()> process;
    std::function<LogLevel()> log_level;
    std::function<void(LogLevel)> set_log_level;
    std::function<void()> drain;                  // begins it, if it has not begun
    std::function<std::int64_t()> stage_left_ms;  // until the stage of draining is over, at the latest
    std::function<std::string()> config;          // /api/v1/config, in JSON
    // Asks main for a reload, and learns what came of it.
    std::function<std::uint64_t()> ask_reload;
    std::function<std::optional<ReloadBox::Result>(std::uint64_t wish)> reloaded;
    std::function<std::uint64_t()> memory_budget;  // bytes, as of now
    // Whose tokens are taken no more; the error is a sentence.
    std::function<std::vector<std::string>()> revoked;
    std::function<std::expected<void, std::string>(std::string_view)> revoke;
    std::function<bool(std::string_view)> take_back;
  };

  // `services` and `inquiries`, one for each shard, outlive this.
  Desk(const About& about, const Services& services, std::span<Inquiries> inquiries, topics::HashKey key);
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  // A request has come; its answer will be in answered(). Ids are the caller's, and never 0.
  void begin(CallId call, AdminRequest request, State state, const Now& now);
  // Nobody waits for its answer any more.
  void forget(CallId call);
  // What turn() and begin() have answered; the caller clears it.
  [[nodiscard]] std::vector<Answered>& answered() noexcept { return answered_; }

  // Takes what was answered, asks what is to be asked. The shards whose doorbells are to be rung.
  [[nodiscard]] topics::ShardSet turn(State state, const Now& now);
  // When turn() is to be called though nothing was answered.
  [[nodiscard]] Instant next_deadline() const noexcept;

 private:
  struct Asked {
    bool out = false;            // the shard has the question
    std::uint64_t round = 0;     // of it, or of the last
    Instant at;                  // when
    std::uint64_t answered = 0;  // the last round that was
  };
  // A request that wants samples taken after it came.
  struct Waiting {
    CallId call = 0;
    AdminRequest request;
    std::uint64_t round = 0;
    Instant until;
  };

  // A request that wants a reload.
  struct Reloading {
    CallId call = 0;
    std::uint64_t wish = 0;
    Instant until;
  };

  [[nodiscard]] std::uint64_t want_samples() noexcept { return ++round_; }
  // The shards that have not answered that round.
  [[nodiscard]] topics::ShardSet silent(std::uint64_t round) const noexcept;
  void collect_samples();
  void turn_stats(State state, const Now& now);
  void turn_waiting(State state, const Now& now);
  void turn_reloads(State state, Instant now);
  [[nodiscard]] topics::ShardSet ask_samples(Instant now);

  void answer(CallId call, AdminAnswer answer) { answered_.push_back({call, std::move(answer)}); }
  [[nodiscard]] AdminAnswer answer_at_once(const AdminRequest& request, State state) const;
  [[nodiscard]] AdminAnswer answer_sampled(const Waiting& waiting, State state, const Now& now);
  [[nodiscard]] AdminAnswer health(topics::ShardSet silent, State state) const;
  [[nodiscard]] AdminAnswer shards(topics::ShardSet silent, State state, const Now& now);
  [[nodiscard]] AdminAnswer log_level() const;
  [[nodiscard]] AdminAnswer drain_state(State state) const;
  [[nodiscard]] AdminAnswer revocations() const;

  About about_;
  const Services& services_;
  const std::span<Inquiries> inquiries_;
  const std::uint64_t stats_hash_;
  const std::uint32_t stats_home_;
  Stats stats_;
  std::string stats_document_;  // the last
  Queries queries_;
  std::vector<Sampled> sampled_;  // by shard
  std::vector<Asked> asked_;      // by shard
  std::vector<Waiting> waiting_;
  std::vector<Reloading> reloading_;
  std::vector<Answered> answered_;
  std::uint64_t round_ = 0;        // samples that are wanted are of this one, or newer
  Instant stats_at_{0};            // the next ones
  std::uint64_t stats_round_ = 0;  // they wait for; 0: they do not
  Instant stats_until_ = Instant::never();
  topics::ShardSet ring_ = 0;
};

}  // namespace ringcast::broker
