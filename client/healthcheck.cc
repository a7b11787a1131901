#include "client/healthcheck.h"

#include <cstdio>

#include "client/exit_code.h"
#include "client/output.h"

namespace ringcast::client {

int run_healthcheck(const HealthcheckOptions& options) {
  const auto place = open_place(options.url, options.tls);
  auto answer = place ? ask_operators_port(place->url, "GET", options.ready ? "/readyz" : "/livez", options.timeout_ms)
                      : std::unexpected(place.error());
  if (!answer) {
    std::fprintf(stderr, "ringcast: %s\n", to_line(answer.error()).c_str());
    return to_int(exit_code_of(answer.error().failure));
  }
  return to_int(write_out(options.ready ? "ready\n" : "alive\n") ? ExitCode::done : ExitCode::failed);
}

}  // namespace ringcast::client
