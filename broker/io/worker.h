// Worker: one shard's thread: wait, hand in what has happened, turn, send.
//
// Each loop is one turn and one batch, which may have been gathered for a moment: all completions that are there, then
// everything that follows from them, then one send per connection that is owed something.
//
// Thread: run() is the shard's thread. What other threads touch is in WorkerControl.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "broker/inquiries.h"
#include "broker/io/attendant.h"
#include "broker/io/backend.h"
#include "broker/io/connections.h"
#include "broker/io/gathering.h"
#include "broker/io/tls_context.h"
#include "broker/io/waker.h"
#include "broker/journal_ring.h"
#include "broker/shard.h"

namespace ringcast::io {

// How far the process has come on its way out. Only rises.
enum class Stage : std::uint8_t {
  running,
  lame_duck,  // said to be not ready; everything else goes on
  draining,   // nothing new: no connection, no publish; what is in flight is delivered
  closing,    // one connection after the other is told 1012 after what it is owed
  hurrying,   // all that are left are told now
  ended,      // the threads end, whoever is still connected
};

// What a worker shares with the other threads.
struct alignas(64) WorkerControl {
  std::atomic<Backend*> backend = nullptr;     // to wake it; set before any worker runs
  std::atomic<std::uint32_t> connections = 0;  // open here; a hint for who takes the next one
  std::atomic<std::uint64_t> idle_turns = 0;   // since draining began: turns in which nothing was in flight
  TlsContextDrop new_tls;                      // to be used from the next turn on
};

// What all workers of a process share.
struct Fleet {
  explicit Fleet(std::uint32_t shards) : controls(shards), inquiries(shards), journals(shards) {}
  std::vector<WorkerControl> controls;
  std::vector<broker::Inquiries> inquiries;   // by shard
  std::vector<broker::JournalRing> journals;  // by shard
  TlsContextDrop operators_tls;               // the operators' thread's, to be used from now on
  Waker operators;                            // wakes the operators' thread; opened before any worker runs
  std::atomic<Stage> stage = Stage::running;
  std::atomic<std::int64_t> stage_until_ms = 0;  // an Instant: when the stage ends at the latest
  std::atomic<bool> drain_asked = false;         // by an operator
  std::atomic<std::int64_t> lame_duck_ms = 0;    // as configured now
  // broker::Farewell; stored before the stage that it is for.
  std::atomic<std::int64_t> spread_ms = 0;
  std::atomic<std::int64_t> within_ms = 0;

  // Wakes all workers, so that they see a new stage.
  void wake_all();
  // Until the stage ends at the latest; of one that was asked for and has not begun, how long it will be.
  [[nodiscard]] std::int64_t stage_left_ms(Instant now) const noexcept;
  // Open ones, as the workers said last.
  [[nodiscard]] std::uint32_t connections() const noexcept;
};

class Worker {
 public:
  // Connections that get their send in one turn, before receives and deliveries are looked at again: about 1 ms.
  static constexpr std::size_t kConnectionsPerTurn = 256;

  Worker(const broker::Process& process, Fleet& fleet, std::uint32_t index, std::unique_ptr<Backend> backend,
         const Connections::Options& options, std::unique_ptr<TlsShard> tls);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Until the fleet's stage is `ended`, or `closing` and nobody is connected any more.
  void run();

 private:
  [[nodiscard]] std::int64_t wait_ms(Instant now);
  void turn();
  void follow_stage(Instant now);
  void wake(topics::ShardSet shards);
  [[nodiscard]] static std::uint32_t choose_shard(void* worker, std::uint32_t self);

  Fleet& fleet_;
  broker::Mesh& mesh_;
  const std::uint32_t index_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<broker::Shard> shard_;
  std::unique_ptr<Connections> connections_;
  Attendant attendant_;
  Attendant::Loop loop_;
  Gathering gathering_;
  Stage stage_ = Stage::running;
  bool busy_ = true;
};

}  // namespace ringcast::io
