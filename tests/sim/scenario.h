// Scenario: the world that a seed draws: how many shards, how small everything is, what goes wrong, what is done.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/config.h"
#include "broker/mesh.h"
#include "broker/shard.h"
#include "proto/request.h"
#include "tests/sim/faults.h"
#include "tests/sim/network.h"
#include "tests/sim/plan.h"
#include "tests/sim/random.h"

namespace ringcast::sim {

struct Scenario {
  enum class Kind : std::uint8_t {
    small,      // small messages through small buffers
    large,      // blocks that move, segments of their own, fragments, last values in many chunks
    slow,       // readers that stop for good, and enough bytes to be too many for them
    impatient,  // every timeout is short: anybody may be cut off
    limited,    // few connections, topics or bytes are allowed
  };

  // In two seeds of five clients speak the full protocol too; the others' worlds are without it.
  [[nodiscard]] static bool is_full(std::uint64_t seed) noexcept { return seed % 5 == 0 || seed % 5 == 4; }

  // In one seed of seven they may compress.
  [[nodiscard]] static bool compresses(std::uint64_t seed) noexcept { return seed % 7 == 6; }

  // What the plan's seed draws, with the plan's values. Requires: they are of each_value()'s names.
  [[nodiscard]] static Scenario of(const Plan& plan);

  // Calls visit(name, value&, simplest) for each number that a plan may set; `simplest` is the dullest world's.
  template <typename Visitor>
  void each_value(Visitor&& visit);

  Kind kind = Kind::small;
  bool full = false;
  bool compression = false;
  bool floods = false;  // full clients publish more than may be unanswered, and subscribe to more than may be joining
  broker::Mesh::Options mesh;
  broker::Budget budget;
  Network::Options network;
  Faults faults;
  broker::Config config;
  std::vector<std::string> topics;
  std::vector<std::string> filters;
  std::size_t actions = 100;
  std::size_t clients_max = 14;     // at a time
  std::size_t payload_usual = 100;  // bytes
  std::size_t payload_max = 100;    // bytes
  std::size_t steps_between = 30;   // actions
  std::size_t ticks_permille = 20;  // milliseconds per thousand steps
  std::size_t latest_percent = 0;   // of subscriptions
  proto::OnLag on_lag = proto::OnLag::unspecified;
  bool lags_by_age = false;
  bool forgets = false;   // values expire, histories are short in every way, and topics are forgotten
  std::size_t lives = 1;  // of the broker: it is started anew, with another epoch

 private:
  [[nodiscard]] static Scenario draw(Random& random, bool full);
  void draw_large(Random& random);
  void draw_slow();
  void draw_impatient(Random& random);
  void draw_limited(Random& random);
  void draw_full(Random& random);
  void draw_history(Random& random);
  void draw_budget(Random& random);
};

template <typename Visitor>
void Scenario::each_value(Visitor&& visit) {
  visit("clients", clients_max, std::size_t{1});
  visit("shards", mesh.shards, 1U);
  visit("requests_ring", mesh.requests_capacity, 1'024U);
  visit("deliveries_ring", mesh.deliveries_capacity, 4'096U);
  visit("budget_requests", budget.requests, broker::Budget{}.requests);
  visit("budget_appends", budget.appends, broker::Budget{}.appends);
  visit("short_receive", faults.short_receive, std::size_t{0});
  visit("short_send", faults.short_send, std::size_t{0});
  visit("again", faults.again, std::size_t{0});
  visit("multishot_ends", faults.multishot_ends, std::size_t{0});
  visit("late", faults.late, std::size_t{0});
  visit("late_cancel", faults.late_cancel, std::size_t{0});
  visit("false_writable", faults.false_writable, std::size_t{0});
  visit("accept_fails", faults.accept_fails, std::size_t{0});
  visit("late_wake", faults.late_wake, std::size_t{0});
  visit("early_return", faults.early_return, std::size_t{0});
  visit("hand_over", faults.hand_over, std::size_t{0});
  visit("receive_buffers", faults.receive_buffers, std::size_t{64});
  visit("receive_buffer_bytes", faults.receive_buffer_bytes, std::size_t{8'000});
  visit("send_buffer_bytes", network.send_buffer_bytes, std::size_t{60'000});
  visit("socket_buffer_bytes", network.receive_buffer_bytes, std::size_t{60'000});
  visit("payload_usual", payload_usual, std::size_t{1});
  visit("payload_max", payload_max, std::size_t{1});
  visit("steps_between", steps_between, std::size_t{0});
  visit("ticks_permille", ticks_permille, std::size_t{0});
  visit("history", config.history, 1U);
  visit("lives", lives, std::size_t{1});
}

}  // namespace ringcast::sim
