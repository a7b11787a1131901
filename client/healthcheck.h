// healthcheck: `ringcast healthcheck` asks a broker whether it is well: for containers, whose image needs no shell and
// no curl for it.
#pragma once

#include <cstdint>
#include <string>

#include "client/operators_port.h"
#include "client/tls.h"

namespace ringcast::client {

struct HealthcheckOptions {
  std::string url = kDefaultAdminUrl;  // of the operators' port
  TlsFiles tls;                        // for https://
  bool ready = false;                  // whether it takes clients (/readyz), not only whether it lives (/livez)
  std::int64_t timeout_ms = 5'000;
};

// Gives back the exit code: 0 if it is, else 1; one line says so, or why not.
[[nodiscard]] int run_healthcheck(const HealthcheckOptions& options);

}  // namespace ringcast::client
