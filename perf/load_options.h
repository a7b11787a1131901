// LoadOptions: what perf/load is asked to do.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "perf/form.h"

namespace ringcast::perf {

// How subscribers name their topics: each one topic, or all by a wildcard, or a third each.
enum class Filters : std::uint8_t { exact, plus, hash, mixed };

struct LoadOptions {
  std::string host = "127.0.0.1";  // a literal IPv4 address on loopback
  std::uint16_t port = 8080;
  std::uint32_t subscribers = 100;
  std::uint32_t publishers = 1;  // connections; a multiple of topics, each with one, or a divisor, each with several
  std::uint32_t topics = 1;
  std::uint32_t each = 1;  // topics of one subscriber, with Filters::exact
  Filters filters = Filters::exact;
  Form protocol = Form::raw;    // of subscribers; json: payloads are text; nats: of all
  std::optional<Form> publish;  // of publishers, if it is another. The full protocol waits for acks
  double rate_hz = 1000;        // messages per second of all publishers together; open loop
  std::uint32_t window = 0;     // > 0: closed loop, so many messages of each stream (publisher and topic) under way
  std::uint32_t size = 128;     // bytes of payload
  bool text = false;            // text messages instead of binary
  double seconds = 5;           // measured
  double warmup = 1;            // seconds before, not measured
  double drain = 600;           // seconds after, in all, for what is still to come
  std::uint32_t stalled = 0;    // further subscribers of the same topics that never read
  std::uint32_t idle = 0;       // further subscribers of a topic that nobody publishes to
  std::uint32_t decoys = 0;     // wildcard filters of one further connection, which match nothing
  std::optional<pid_t> pid;     // of the server: its CPU and memory
  std::optional<int> cpu;       // to run on

  [[nodiscard]] Form publisher_form() const noexcept { return publish.value_or(protocol); }
  [[nodiscard]] Form decoy_form() const noexcept { return protocol == Form::raw ? Form::proto : protocol; }
  [[nodiscard]] std::uint32_t streams() const noexcept { return std::max(publishers, topics); }
  [[nodiscard]] std::uint64_t connections() const noexcept {
    return std::uint64_t{subscribers} + publishers + stalled + idle + (decoys > 0 ? 1 : 0);
  }
  // JSON's "text" is the one kind of payload that its reader here looks for.
  [[nodiscard]] bool is_text() const noexcept { return text || protocol == Form::json; }
};

// Reads the command line. What is wrong with it, or the help, is the error: text and exit code.
struct Refusal {
  std::string text;
  int exit_code = 2;
};
[[nodiscard]] std::expected<LoadOptions, Refusal> parse_load_options(int argc, const char* const* argv);

}  // namespace ringcast::perf
