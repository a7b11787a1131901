// Runner: one shard with its connections and its simulated backend, and the loop of io::Worker in steps small enough
// that the other shards' steps come between them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "broker/io/connections.h"
#include "broker/shard.h"
#include "tests/sim/backend.h"

namespace ringcast::sim {

class Runner {
 public:
  struct World {
    broker::Process process;
    Network& network;
    const Faults& faults;
    Random& random;
    Now& now;
    std::vector<std::unique_ptr<Runner>>& all;
  };

  Runner(const World& world, std::uint32_t index);

  // One step of the loop. False when the shard sleeps and nothing woke it.
  bool step();

  // True while it sleeps for its next deadline only, and nothing is under way that would wake it.
  [[nodiscard]] bool rests() const;
  [[nodiscard]] Instant next_deadline() const;
  // When it accepts again after a failure; never() while it does.
  [[nodiscard]] Instant accept_retry() const { return connections_->accept_retry(); }

  // From the next step on, as the server does on SIGTERM.
  void drain(const broker::Farewell& farewell);
  void see_off(const broker::Farewell& farewell);
  // Turns that ended with nothing left to do.
  [[nodiscard]] std::uint64_t idle_turns() const noexcept { return idle_turns_; }
  // As any event would.
  void rouse() noexcept { stage_ = Stage::awake; }
  // As a wake from another thread would.
  void rouse_asleep() noexcept {
    if (stage_ == Stage::asleep) rouse();
  }

  [[nodiscard]] broker::Shard& shard() noexcept { return *shard_; }
  [[nodiscard]] const io::Connections& connections() const noexcept { return *connections_; }
  [[nodiscard]] const Backend& backend() const noexcept { return backend_; }
  [[nodiscard]] int listener() const noexcept { return listener_; }
  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }
  void check_invariants();

 private:
  enum class Stage : std::uint8_t {
    awake,      // a turn comes next
    shown,      // the turn's first half is done: others see what it flushed, but were not woken for it
    announced,  // said that it would sleep
    asleep,
  };

  void first_half();
  void second_half();
  void wake(topics::ShardSet shards);
  [[nodiscard]] static std::uint32_t choose_shard(void* runner, std::uint32_t self);

  World world_;
  const std::uint32_t index_;
  const int listener_;
  Backend backend_;
  std::unique_ptr<broker::Shard> shard_;
  std::unique_ptr<io::Connections> connections_;
  topics::ShardSet to_wake_ = 0;
  Instant sleeps_until_ = Instant::never();
  Stage stage_ = Stage::awake;
  bool busy_ = true;
  std::uint64_t turns_ = 0;
  std::uint64_t idle_turns_ = 0;
};

}  // namespace ringcast::sim
