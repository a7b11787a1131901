// Simulation: N shards, a network with faults and many clients in one thread, all of it from one seed.
//
// A run draws a world (Scenario), lets clients do random things while every part of it moves in random order, comes to
// rest now and then and compares what everybody saw with the truth, ends, and looks for what was left behind. At rest
// time stands still, so that no deadline hides what was forgotten.
//
// Sleep: a shard sleeps by the Doorbell's rules only. A wake that is lost leaves something undone at rest.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "broker/mesh.h"
#include "proto/close_code.h"
#include "tests/sim/client.h"
#include "tests/sim/full_client.h"
#include "tests/sim/http_client.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/plan.h"
#include "tests/sim/runner.h"
#include "tests/sim/scenario.h"
#include "tests/sim/sse_client.h"
#include "tests/sim/truth.h"
#include "tests/sim/websocket_client.h"

namespace ringcast::sim {

inline constexpr topics::HashKey kSimulationKey{.k0 = 0x1234, .k1 = 0x5678};

class Simulation {
 public:
  // What a run came to, to see that runs are not about nothing.
  struct Tally {
    std::uint64_t steps = 0;
    std::uint64_t messages = 0;    // sequenced
    std::uint64_t deliveries = 0;  // messages that raw WebSocket clients got
    std::uint64_t full = 0;        // messages that clients of the full protocol got
    std::uint64_t streamed = 0;    // messages that came by server-sent events
    std::uint64_t lags = 0;        // messages that clients were told to be missing
    std::uint64_t recovered = 0;   // subscriptions that went on where they were
    std::uint64_t conflated = 0;
    std::uint64_t gaps = 0;
    std::uint64_t answers = 0;   // that HTTP clients got
    std::uint64_t stalls = 0;    // of requests without room
    std::uint64_t starved = 0;   // receives without a buffer
    std::uint64_t blocked = 0;   // sends that a socket did not take
    std::uint64_t too_slow = 0;  // closed with 4008
    std::uint64_t handed_over = 0;

    Tally& operator+=(const Tally& other);
  };

  explicit Simulation(Plan plan);
  ~Simulation();

  // Throws Failure when a promise is broken.
  Tally run();

 private:
  using Kind = Scenario::Kind;

  // What clients do.
  void act();
  void add_client();
  void publish();
  void ask();
  void add_stream(const Client::World& world);
  void disturb_stream();
  void disturb_asker();
  void disturb_socket();
  [[nodiscard]] std::size_t payload_size();
  // The same, of those that speak the full protocol.
  void act_full();
  [[nodiscard]] SubscriberModel::Pace draw_pace();
  void draw_start(SubscriberModel::Ask& ask);
  void come_back(SubscriberModel::Ask& ask);
  void remember(const SubscriberModel& subscriber);
  void add_full_client(const Client::World& world);
  void subscribe_full(FullClient& client);
  void publish_full(FullClient& client);
  void disturb_full(FullClient& client);
  [[nodiscard]] SubscriberModel::Ask draw_subscription();

  // How the world moves.
  void begin_life(std::uint64_t life);
  void end_life();
  void begin_part(std::uint64_t number);
  void step();
  [[nodiscard]] bool round();
  void keep_up();
  void live();
  void settle();
  void come_to_rest();
  void tick();
  void jump();
  void finish();
  void drain();
  void await_idle_turns();

  // What must hold at rest, and at the end.
  // `ticked`: what waits for a tick has gone out too.
  void check_settled(bool ticked);
  void check_shard(std::uint32_t index);
  void check_socket(const WebSocketClient& client, const Truth& truth, bool ticked) const;
  void check_end(const WebSocketClient& client) const;
  void check_close(const FramedClient& client, std::span<const proto::CloseCode> may) const;
  void check_asker(const HttpClient& client, const Truth& truth) const;
  void check_full_session(const broker::Session& session) const;
  void check_full(FullClient& client, bool ticked) const;
  void check_full_end(const FullClient& client) const;
  void check_stream(SseClient& client, bool ticked) const;
  // That somebody who does not read may be closed for it.
  [[nodiscard]] bool may_be_too_slow(const Client& client) const;
  void check_producers() const;
  void check_taken_over(const FullClient& client) const;
  void check_histories() const;
  void check_expiry(const Ledger::Topic& topic) const;
  void check_memory();
  void check_nothing_left();
  void add_up();

  const Plan plan_;
  Scenario scenario_;
  Random random_;
  Now now_{.monotonic = {1'000}, .utc_us = 1'700'000'000'000'000};
  std::unique_ptr<Network> network_;
  std::unique_ptr<broker::Mesh> mesh_;
  std::vector<std::unique_ptr<Runner>> runners_;
  std::uint64_t epoch_ = 0;
  std::uint64_t began_us_ = 0;  // when the broker started
  Kept kept_;
  std::vector<SubscriberModel::Since> tokens_;  // from checkpoints, of every epoch
  Positions positions_;
  std::unique_ptr<Ledger> ledger_;
  std::vector<std::unique_ptr<WebSocketClient>> sockets_;
  std::vector<std::unique_ptr<HttpClient>> askers_;
  std::vector<std::unique_ptr<FullClient>> fulls_;
  std::vector<std::unique_ptr<SseClient>> streams_;
  std::vector<std::unique_ptr<Producer>> producers_;
  std::vector<Client*> clients_;  // all
  bool draining_ = false;
  std::int64_t paces_end_ms_ = INT64_MAX;  // from then on LATEST does not wait for its pace
  bool ending_ = false;                    // nobody stalls any more
  std::int64_t jumped_ms_ = 0;             // in this life
  Tally tally_;
};

}  // namespace ringcast::sim
