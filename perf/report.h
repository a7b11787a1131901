// Report: the figures of one run of the load generator, as one line of JSON and as a table for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "perf/load_options.h"
#include "perf/usage.h"

namespace ringcast::perf {

struct Report {
  double seconds = 0;                     // of the measured window, by the clock
  std::uint64_t published = 0;            // messages due in the whole run
  std::uint64_t published_measured = 0;   // in the window
  std::uint64_t delivered = 0;            // in the window, over all subscribers
  std::uint64_t receives = 0;             // in the window: reads of a socket that had something
  std::optional<std::uint64_t> segments;  // of TCP, sent in the window by anyone in this network namespace
  double opened_per_second = 0;           // connections, until each one's subscriptions had begun
  std::uint64_t lost = 0;                 // these four over the whole run
  std::uint64_t doubled = 0;
  std::uint64_t out_of_order = 0;
  std::uint64_t misrouted = 0;      // to a subscriber that did not ask for them
  std::uint32_t disagreements = 0;  // topics whose subscribers saw different orders
  std::uint64_t unanswered = 0;     // publishes of the full protocol that were not acknowledged
  std::uint64_t compared = 0;       // messages read by the broker's own reader as well
  std::uint32_t ended = 0;          // connections that the server ended, stalled ones aside
  std::string first_end;
  std::uint32_t stalled_ended = 0;
  std::uint64_t latency_p50_ns = 0;
  std::uint64_t latency_p99_ns = 0;
  std::uint64_t latency_p999_ns = 0;
  std::uint64_t latency_max_ns = 0;
  std::uint64_t late_p99_ns = 0;  // the load generator's own delay in sending
  double load_cpu_share = 0;      // 1 = this process had no time left: the figures are its own, not the server's
  std::optional<std::uint64_t> server_cpu_ns;  // in the window
  std::optional<std::uint64_t> server_rss_bytes;
  std::optional<std::uint64_t> bytes_per_connection;       // growth of the RSS by opening all connections
  std::optional<std::uint64_t> anon_bytes_per_connection;  // of the anonymous memory: the heap and stacks
  std::optional<std::uint64_t> cpu_ns_per_connection;      // to open one
  std::uint64_t connections = 0;

  // The server before the first connection, and when all were open.
  void compare(const Usage& before, const Usage& open);

  [[nodiscard]] bool correct() const noexcept {
    return lost + doubled + out_of_order + misrouted + disagreements + unanswered + ended == 0;
  }
};

// One JSON object with all figures, and the options that led to them; and a table for people.
[[nodiscard]] std::string to_json(const Report& report, const LoadOptions& options);
[[nodiscard]] std::string to_table(const Report& report);

}  // namespace ringcast::perf
