// Stats: the document of `$broker/stats`, once a second: what the shards said of themselves, and what has become of it
// since the last time. Its shape is a promise: broker/ADMIN.md. Pure.
//
// Thread: the operators'.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/instant.h"
#include "broker/json_out.h"
#include "broker/sample.h"

namespace ringcast::broker {

inline constexpr std::string_view kStatsTopic = "$broker/stats";

// What does not change while the broker runs.
struct About {
  std::uint32_t shards = 1;
  std::string epoch;            // 16 hexadecimal digits
  std::string io;               // "io_uring", "epoll"
  std::string listen;           // "127.0.0.1:8080"
  std::int64_t started_us = 0;  // UTC
  std::uint64_t memory_budget_bytes = 0;
};

// How far the process is.
enum class State : std::uint8_t {
  starting,
  ready,
  lame_duck,  // not ready, but serving on
  draining,   // refuses publishes, and delivers what is in flight
  closing,    // tells its connections to go
};
// "starting", "ready", and "draining" for the other three.
[[nodiscard]] std::string_view name(State state) noexcept;
// "none", or the three by their names.
[[nodiscard]] std::string_view drain_stage(State state) noexcept;

// What a shard said last.
struct Sampled {
  Sample sample;
  Instant at = Instant::never();  // when it was asked for that; never(): it has not said anything yet
};

class Stats {
 public:
  static constexpr std::size_t kSlowestMax = 10;

  // `about` outlives this.
  explicit Stats(const About& about) : about_(about), before_(about.shards) {}

  // The document of now. Rates are since the last call.
  [[nodiscard]] std::string document(std::span<const Sampled> shards, State state, const Now& now);

 private:
  struct Rates {
    std::vector<double> per_s;  // by figure
    Durations latency;
  };

  [[nodiscard]] Rates rates_of(const Sampled& now, const Sampled& before) const;
  static void append_figures(JsonOut& out, const Sample& sample, const Rates& rates, bool counters);
  static void append_total(JsonOut& out, const Sample& total, const Rates& rates);
  static void append_slowest(JsonOut& out, std::span<const Sampled> shards);

  const About& about_;
  std::vector<Sampled> before_;
};

// "2-17-5": a connection's shard, slot and generation, as operators name it.
[[nodiscard]] std::string connection_id(std::uint32_t shard, SlotId slot);
struct ConnectionName {
  std::uint32_t shard = 0;
  SlotId slot;
};
[[nodiscard]] std::optional<ConnectionName> parse_connection_id(std::string_view text) noexcept;

// The members that name a connection and say how far it is behind.
void append_slow(JsonOut& out, std::uint32_t shard, const Slowest& slow);

}  // namespace ringcast::broker
