#include "broker/io/ending.h"

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "broker/io/process.h"

namespace ringcast::io {

namespace {

constexpr std::int64_t kPollMs = 2;        // main looks that often whether the shards have come further
constexpr std::int64_t kDuckPollMs = 500;  // and at the clock, while nothing else happens
// What is in flight makes so many hops at most: out of a session that held it, into its home's requests, out of the
// home's deliveries; and one more round, because a round is counted in whole turns of each shard.
constexpr int kQuietRounds = 4;
constexpr std::uint64_t kTurnsOfRound = 2;  // that end with nothing left to do: one of them began in this round

std::string in_ms(std::int64_t ms) {
  return std::to_string(ms) + " ms";
}

}  // namespace

bool ends(std::optional<int> signal) noexcept {
  return signal == SIGTERM || signal == SIGINT;
}

Ending::Ending(Fleet& fleet, const broker::Config& config, const ServerEvents& events, std::optional<int> signal)
    : fleet_(fleet), config_(config), events_(events), hears_first_(!signal) {
  const std::string why = signal ? "signal " + std::to_string(*signal) : "an operator's request";
  const bool duck = config.lame_duck_ms > 0;
  events_.info(why + ": draining" + (duck ? "; not ready, serving on for " + in_ms(config.lame_duck_ms) : ""));
  events_.manager("STOPPING=1\nSTATUS=draining");
}

void Ending::enter(Stage stage, Instant until) {
  fleet_.stage_until_ms.store(until.ms, std::memory_order_relaxed);
  fleet_.stage.store(stage, std::memory_order_seq_cst);
  fleet_.wake_all();
}

// Until something has been signalled, or so long.
void Ending::wait(std::int64_t ms_max) {
  const std::optional<int> signal = wait_signal(ms_max);
  if (!ends(signal)) return;
  if (hears_first_) {
    hears_first_ = false;
    return events_.info("signal " + std::to_string(*signal) + ": draining already");
  }
  ++told_again_;
}

void Ending::lame_duck() {
  if (config_.lame_duck_ms == 0) return;
  const Instant until = now().monotonic + config_.lame_duck_ms;
  enter(Stage::lame_duck, until);
  for (std::int64_t left = config_.lame_duck_ms; left > 0 && told_again_ == 0; left = until - now().monotonic)
    wait(std::min(left, kDuckPollMs));
}

broker::Farewell Ending::plan(std::int64_t left_ms) {
  const broker::Farewell farewell = broker::plan_farewell(fleet_.connections(), left_ms);
  fleet_.spread_ms.store(farewell.spread_ms, std::memory_order_relaxed);
  fleet_.within_ms.store(farewell.within_ms, std::memory_order_relaxed);
  return farewell;
}

bool Ending::drain() {
  const Instant begin = now().monotonic;
  deadline_ = begin + config_.drain_deadline_ms;
  (void)plan(config_.drain_deadline_ms);
  enter(Stage::draining, deadline_);
  const Instant quiet_by = begin + config_.drain_deadline_ms / 2;  // the rest is for those who read what they are owed
  for (int round = 0; round < kQuietRounds; ++round) {
    if (!wait_round(quiet_by)) return false;
  }
  return true;
}

// Until every shard has come round its loop, with nothing left to do, in a turn that began after this call.
bool Ending::wait_round(Instant until) {
  std::vector<std::uint64_t> from;
  for (const WorkerControl& control : fleet_.controls) {
    from.push_back(control.idle_turns.load(std::memory_order_acquire));
  }
  const auto round_over = [&] {
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (fleet_.controls[i].idle_turns.load(std::memory_order_acquire) < from[i] + kTurnsOfRound) return false;
    }
    return true;
  };
  while (!round_over()) {
    fleet_.wake_all();
    wait(kPollMs);
    if (told_again_ > 0 || now().monotonic >= until) return false;
  }
  return true;
}

void Ending::see_off() {
  const std::uint32_t connections = fleet_.connections();
  const broker::Farewell farewell = plan(deadline_ - now().monotonic);
  if (connections > 0)
    events_.info("closing " + std::to_string(connections) + " connections over " + in_ms(farewell.spread_ms));
  enter(Stage::closing, deadline_);
}

void Ending::see_off_until(const std::stop_token& all_gone) {
  bool hurries = false;
  while (!all_gone.stop_requested()) {
    if (told_again_ > 0 && !hurries) {
      hurries = true;
      events_.info("told again: all connections are closed now");
      deadline_ = std::min(deadline_, now().monotonic + kHurryMs);
      enter(Stage::hurrying, deadline_);
    }
    if (told_again_ > 1 || now().monotonic >= deadline_) return enter(Stage::ended, deadline_);
    wait(kPollMs);
  }
}

}  // namespace ringcast::io
