#include "tests/sim/runner.h"

#include <algorithm>

#include "tests/sim/client.h"

namespace ringcast::sim {

Runner::Runner(const World& world, std::uint32_t index)
    : world_(world),
      index_(index),
      listener_(world.network.listen()),
      backend_(world.network, world.faults, world.random),
      shard_(std::make_unique<broker::Shard>(world.process, index)),
      connections_(std::make_unique<io::Connections>(
          *shard_, io::Connections::Options{.listener = listener_, .linger_bytes_max = 1 << 22})) {
  connections_->set_choose_shard(&Runner::choose_shard, this);
  connections_->start_accepting();
}

bool Runner::step() {
  switch (stage_) {
    case Stage::awake:
      first_half();
      stage_ = Stage::shown;
      return true;
    case Stage::shown:
      second_half();
      stage_ = Stage::awake;
      if (busy_) return true;
      world_.process.mesh.doorbell(index_).announce_sleep();
      stage_ = Stage::announced;
      return true;
    case Stage::announced:
      sleeps_until_ = next_deadline();
      stage_ = shard_->must_not_sleep() ? Stage::awake : Stage::asleep;
      return true;
    case Stage::asleep:
      backend_.advance();
      if (!backend_.ready() && world_.now.monotonic < sleeps_until_ &&
          !world_.random.permille(world_.faults.early_return)) {
        return false;
      }
      stage_ = Stage::awake;
      return true;
  }
  return false;
}

// As Worker::turn(), up to where the other shards can see what came of it.
void Runner::first_half() {
  ++turns_;
  const auto completions = backend_.reap(0);
  world_.process.mesh.doorbell(index_).rise();
  connections_->complete(completions, world_.now);
  to_wake_ = shard_->turn(world_.now);
}

void Runner::second_half() {
  // Some connections have to wait for the next turn.
  const std::size_t connections_max = world_.random.percent(80) ? SIZE_MAX : world_.random.between(1, 4);
  wake(to_wake_);
  connections_->apply(world_.now);
  const bool flushed = connections_->flush(backend_, connections_max, world_.now.monotonic);
  backend_.submit(connections_->operations());
  connections_->operations().clear();
  busy_ = !flushed || shard_->busy() || connections_->has_more();
  if (!busy_ && shard_->has_done_all()) ++idle_turns_;
}

void Runner::wake(topics::ShardSet shards) {
  while (shards != 0) {
    const std::uint32_t shard = topics::take_shard(shards);
    if (world_.process.mesh.doorbell(shard).ring()) world_.all[shard]->backend_.wake();
  }
}

bool Runner::rests() const {
  return stage_ == Stage::asleep && backend_.quiet();
}

Instant Runner::next_deadline() const {
  return std::min(shard_->next_deadline(), connections_->accept_retry());
}

void Runner::drain(const broker::Farewell& farewell) {
  connections_->stop_accepting();
  shard_->drain(farewell);
  rouse();
}

void Runner::see_off(const broker::Farewell& farewell) {
  shard_->see_off(farewell, world_.now.monotonic);
  rouse();
}

std::uint32_t Runner::choose_shard(void* runner, std::uint32_t self) {
  const World& world = static_cast<Runner*>(runner)->world_;
  if (!world.random.permille(world.faults.hand_over)) return self;
  return static_cast<std::uint32_t>(world.random.below(world.all.size()));
}

void Runner::check_invariants() {
  broker::SessionTable& sessions = shard_->sessions();
  for (std::uint32_t i = 0; i < sessions.index_end(); ++i) sessions.at(i).outbox.check_invariants();
  shard_->subscriptions().check_invariants();
  shard_->home().home().check_invariants();
  shard_->pool().check_invariants();
}

}  // namespace ringcast::sim
