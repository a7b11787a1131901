// prestop: `ringcast prestop` asks a broker to drain, and waits until those who route clients to it have had the time
// to notice that it is not ready: what a pod runs before it is told to end (lifecycle.preStop).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "client/error.h"
#include "client/operators_port.h"
#include "client/tls.h"

namespace ringcast::client {

struct PrestopOptions {
  std::string url = kDefaultAdminUrl;  // of the operators' port
  TlsFiles tls;                        // for https://
  std::string token = {};              // what the port asks for; empty: nothing
  std::int64_t timeout_ms = 5'000;     // for each answer
};

// What GET and POST /api/v1/drain answer.
struct DrainState {
  bool serves = false;       // in its lame-duck time: not ready, but serving on
  std::int64_t left_ms = 0;  // of that, or of its stage
};
[[nodiscard]] std::expected<DrainState, Error> parse_drain_state(std::string_view json);

// Gives back the exit code: 0 when the lame-duck time is over, or the broker has gone by itself; 1 if it could not be
// asked. One line says which.
[[nodiscard]] int run_prestop(const PrestopOptions& options);

}  // namespace ringcast::client
