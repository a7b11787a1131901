// Sample: what one shard says of itself when it is asked: every number that operators see, copied at one moment.
//
// The shard counts in plain words of its own, which cost what an addition costs; nobody else reads them. figures() is
// the one table of the numbers: the names of `$broker/stats` and of /api/v1, those of /metrics, and what they mean.
// Thread: filled by a shard, read by the operators' thread when it has been handed back (broker/inquiries.h).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "broker/connection_kind.h"
#include "broker/latency.h"
#include "broker/mesh.h"
#include "broker/session_table.h"
#include "broker/token_error.h"

namespace ringcast::broker {

class Shard;

// A connection that waits for its socket.
struct Slowest {
  SlotId slot;
  ConnectionKind kind = ConnectionKind::http;
  bool lagging = false;            // it has fallen behind, and gets newest values only until it has caught up
  std::uint64_t owed_bytes = 0;    // that wait for its socket
  std::uint64_t pinned_bytes = 0;  // that it keeps from being freed
  std::int64_t oldest_ms = 0;      // how long its oldest message has waited
};

struct Sample {
  static constexpr std::size_t kSlowestMax = 8;

  // Of the connection layer and the loop.
  std::uint64_t accepted_connections = 0;
  std::uint64_t accept_errors = 0;
  std::uint64_t handed_over_connections = 0;
  std::uint64_t tls_handshakes = 0;
  std::uint64_t tls_resumed_handshakes = 0;
  std::uint64_t tls_failures = 0;
  std::uint64_t tls_refused_handshakes = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t sends = 0;
  std::uint64_t blocked_sends = 0;
  std::uint64_t starved_receives = 0;
  std::uint64_t turns = 0;
  std::uint64_t wakes = 0;
  // Of requests and publishing.
  std::uint64_t http_requests = 0;
  std::uint64_t refused_requests = 0;
  std::uint64_t received_messages = 0;
  std::uint64_t published_messages = 0;
  std::uint64_t published_bytes = 0;
  std::uint64_t duplicate_messages = 0;
  std::uint64_t refused_messages = 0;
  std::uint64_t expired_values = 0;
  std::uint64_t stalls = 0;
  // Of tokens.
  std::uint64_t accepted_tokens = 0;
  std::uint64_t delayed_tokens = 0;
  std::uint64_t closed_expired = 0;
  std::uint64_t closed_revoked = 0;
  std::uint64_t forbidden_requests = 0;
  // Of the limits of one address and one subject.
  std::uint64_t limited_connections = 0;
  std::uint64_t limited_publishes = 0;
  std::uint64_t throttled = 0;
  // Of delivering.
  std::uint64_t delivered_messages = 0;
  std::uint64_t encoded_bytes = 0;
  std::uint64_t compressed_messages = 0;
  std::uint64_t merged_messages = 0;
  std::uint64_t skipped_messages = 0;
  std::uint64_t lag_events = 0;
  std::uint64_t caught_up = 0;
  std::uint64_t closed_slow = 0;
  std::uint64_t over_budget = 0;
  std::uint64_t lost_peers = 0;
  // Gauges.
  std::uint64_t connections = 0;
  std::uint64_t waiting_connections = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t filters = 0;
  std::uint64_t topics = 0;
  std::uint64_t history_bytes = 0;
  std::uint64_t owed_bytes = 0;
  std::uint64_t request_ring_entries = 0;
  std::uint64_t delivery_ring_entries = 0;
  // By kind, code, reason and outcome.
  std::array<std::uint64_t, kConnectionKinds> connections_by_kind{};
  std::array<std::uint64_t, kCloseCells> closes_by_code{};
  std::array<std::uint64_t, kOutcomes> publishes_by_outcome{};
  std::array<std::uint64_t, 3> resumes{};  // recovered, conflated, gap
  std::array<std::uint64_t, kTokenErrors> refused_tokens{};
  Durations latency;
  // The connections that wait with the most; a gauge.
  std::array<Slowest, kSlowestMax> slowest{};
  std::uint32_t slowest_count = 0;

  // Adds the figures and arrays of another shard, but not its slowest connections.
  void add(const Sample& other) noexcept;
};

// A number of a Sample.
struct Figure {
  enum class Kind : std::uint8_t { counter, gauge };

  std::string_view name;  // in JSON
  std::uint64_t Sample::* field;
  Kind kind = Kind::counter;
  std::string_view rate;    // its name in JSON per second; empty: it is not told as a rate
  std::string_view metric;  // Prometheus; empty: a family with labels tells it instead
  std::string_view help;
};

[[nodiscard]] std::span<const Figure> figures() noexcept;

// "4008", "other", "none" for a cell of Sample::closes_by_code.
[[nodiscard]] std::string_view close_cell_name(std::size_t cell) noexcept;
// "memory_full"
[[nodiscard]] std::string_view name(Outcome outcome) noexcept;
// "recovered", "conflated", "gap"
[[nodiscard]] std::string_view resume_name(std::size_t cell) noexcept;

// What an open connection waits with.
[[nodiscard]] Slowest describe_slow(SlotId slot, const Session& session, Instant now);

// Fills in what the shard itself knows. Looks at up to `waiting_max` of the connections that wait for their sockets.
void fill_sample(Shard& shard, Mesh& mesh, Instant now, Sample& sample, std::uint32_t waiting_max = 1'024);

}  // namespace ringcast::broker
