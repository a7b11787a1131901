#include "broker/io/worker.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "broker/io/balance.h"
#include "broker/io/peer.h"
#include "broker/io/process.h"

namespace ringcast::io {

void Fleet::wake_all() {
  for (WorkerControl& control : controls) {
    if (Backend* backend = control.backend.load(std::memory_order_acquire)) backend->wake();
  }
}

std::int64_t Fleet::stage_left_ms(Instant now) const noexcept {
  if (stage.load(std::memory_order_acquire) == Stage::running) return lame_duck_ms.load(std::memory_order_relaxed);
  return std::max<std::int64_t>(0, Instant{stage_until_ms.load(std::memory_order_relaxed)} - now);
}

std::uint32_t Fleet::connections() const noexcept {
  std::uint32_t sum = 0;
  for (const WorkerControl& control : controls) sum += control.connections.load(std::memory_order_relaxed);
  return sum;
}

Worker::Worker(const broker::Process& process, Fleet& fleet, std::uint32_t index, std::unique_ptr<Backend> backend,
               const Connections::Options& options, std::unique_ptr<TlsShard> tls)
    : fleet_(fleet),
      mesh_(process.mesh),
      index_(index),
      backend_(std::move(backend)),
      shard_(std::make_unique<broker::Shard>(process, index)),
      connections_(std::make_unique<Connections>(*shard_, options, std::move(tls))),
      attendant_(*shard_, *connections_, process.mesh, fleet.inquiries[index]),
      gathering_(process.config.gather_ms * 1000) {
  connections_->set_choose_shard(&Worker::choose_shard, this);
  connections_->set_address_of([](int fd) { return peer_of(fd).address; });
  fleet_.controls[index].backend.store(backend_.get(), std::memory_order_release);
}

void Worker::run() {
  connections_->start_accepting();
  while (stage_ != Stage::ended && !(stage_ >= Stage::closing && connections_->open() == 0)) turn();
}

void Worker::turn() {
  // Awake to the others: their doorbell is announced by wait_ms() only.
  if (const std::int64_t us = busy_ ? 0 : gathering_.rest_us(monotonic_us()); us > 0) rest(us);
  const std::int64_t timeout_ms = wait_ms(now().monotonic);
  const auto completions = backend_->reap(timeout_ms);
  const std::int64_t began_us = monotonic_us();
  const std::uint64_t sends = connections_->counters().sends;
  mesh_.doorbell(index_).rise();
  const Now time = now();
  ++loop_.turns;
  shard_->sessions().journal().set_now(time.monotonic);
  if (TlsContext context = fleet_.controls[index_].new_tls.take()) connections_->tls()->use(std::move(context));
  connections_->complete(completions, time);
  if (attendant_.turn(loop_, time)) fleet_.operators.wake();
  wake(shard_->turn(time));
  if (shard_->slow().unnamed()) attendant_.name_slow(time.utc_us);
  if (shard_->sessions().journal().any() && attendant_.file(fleet_.journals[index_])) fleet_.operators.wake();
  connections_->apply(time);
  const bool flushed = connections_->flush(*backend_, kConnectionsPerTurn, time.monotonic);
  backend_->submit(connections_->operations());
  connections_->operations().clear();
  if (shard_->latency().due()) shard_->latency().record(io::now().utc_us);
  busy_ = !flushed || shard_->busy() || connections_->has_more() || attendant_.busy();
  fleet_.controls[index_].connections.store(static_cast<std::uint32_t>(connections_->open()),
                                            std::memory_order_relaxed);
  gathering_.record(
      {.began_us = began_us, .ended_us = monotonic_us(), .sends = connections_->counters().sends - sends});
  follow_stage(time.monotonic);
}

// How long to sleep: not at all while there is work, else until the next deadline. Announces the sleep, so that whoever
// sends us something from now on wakes us.
std::int64_t Worker::wait_ms(Instant now) {
  if (busy_) return 0;
  broker::Doorbell& doorbell = mesh_.doorbell(index_);
  doorbell.announce_sleep();
  if (shard_->must_not_sleep() || attendant_.must_not_sleep() || fleet_.stage.load(std::memory_order_seq_cst) != stage_)
    return 0;
  const Instant next = std::min(shard_->next_deadline(), connections_->next_deadline());
  if (next == Instant::never()) return -1;
  return std::max<std::int64_t>(0, next - now);
}

void Worker::wake(topics::ShardSet shards) {
  while (shards != 0) {
    const std::uint32_t shard = topics::take_shard(shards);
    if (!mesh_.doorbell(shard).ring()) continue;
    ++loop_.wakes;
    fleet_.controls[shard].backend.load(std::memory_order_acquire)->wake();
  }
}

void Worker::follow_stage(Instant now) {
  const Stage wanted = fleet_.stage.load(std::memory_order_seq_cst);
  if (stage_ == Stage::draining && !busy_ && shard_->has_done_all())
    fleet_.controls[index_].idle_turns.fetch_add(1, std::memory_order_release);
  if (wanted == stage_) return;
  const broker::Farewell farewell{.spread_ms = fleet_.spread_ms.load(std::memory_order_relaxed),
                                  .within_ms = fleet_.within_ms.load(std::memory_order_relaxed)};
  const auto begins = [&](Stage stage) { return stage_ < stage && wanted >= stage; };
  if (begins(Stage::draining)) {
    connections_->stop_accepting();
    shard_->drain(farewell);
  }
  if (begins(Stage::closing)) shard_->see_off(farewell, now);
  if (begins(Stage::hurrying)) shard_->close_all(now);
  stage_ = wanted;
  busy_ = true;  // what that has brought about is done in a turn of its own
}

std::uint32_t Worker::choose_shard(void* worker, std::uint32_t self) {
  auto& controls = static_cast<Worker*>(worker)->fleet_.controls;
  std::array<std::uint32_t, topics::kShardsMax> counts{};
  for (std::size_t i = 0; i < controls.size(); ++i) counts[i] = controls[i].connections.load(std::memory_order_relaxed);
  const std::uint32_t shard = keeper(std::span{counts}.first(controls.size()), self);
  // Counted at once: several may be accepted before the shards tell their numbers again.
  controls[shard].connections.fetch_add(1, std::memory_order_relaxed);
  return shard;
}

}  // namespace ringcast::io
