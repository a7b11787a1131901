// demo: `ringcast demo` publishes real telemetry of this machine and a simulated ticker until it is interrupted.
//
//   iot/<host>/cpu/0 …, iot/<host>/memory, …    once a second, read from /proc (client/machine.h)
//   ticker/<exchange>/<symbol>                  --rate messages a second, each marked "simulated":true
//   (client/ticker.h)
//
// A raw WebSocket publishes to the one topic of its URL, so there is one connection per topic, all in one poll loop.
// A connection that is lost comes back by itself after a random delay; what it would have sent meanwhile is skipped and
// counted: a ticker has nothing to say about the past.
#pragma once

#include <cstdint>
#include <string>

#include "client/pub.h"

namespace ringcast::client {

struct DemoOptions {
  std::string url = kDefaultUrl;
  TlsFiles tls;  // for https:// and wss://
  std::string token = {};
  std::uint32_t symbols = 500;  // simulated shares, each a topic and a connection; 0: telemetry only
  double rate_hz = 2000;        // ticks per second over all symbols, on average
  std::uint64_t seed = 1;       // the same seed trades the same prices
  Progress progress = Progress::automatic;
};

// Does it. Gives back the exit code (client/exit_code.h); what went wrong is one line on stderr.
[[nodiscard]] int run_demo(const DemoOptions& options);

}  // namespace ringcast::client
