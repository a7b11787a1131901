// top: `ringcast top` shows what a broker does, as top(1) does of a machine: shards, the busiest topics, the
// connections that are farthest behind and those that were closed for it. From the operators' port, once a second.
//
// Keys: q or Ctrl-C ends it, p or space holds it still, t, c and s put topics, connections or shards first.
#pragma once

#include <cstdint>
#include <string>

#include "client/operators_port.h"
#include "client/tls.h"

namespace ringcast::client {

struct TopOptions {
  std::string url = kDefaultAdminUrl;  // of the operators' port
  TlsFiles tls;                        // for https://
  std::string token = {};              // what the port asks for; empty: nothing
  bool once = false;                   // one picture, plainly; also where stdout is no terminal
  bool json = false;                   // one JSON object instead of it
};

// Does it. Gives back the exit code (client/exit_code.h); what went wrong is one line on stderr.
[[nodiscard]] int run_top(const TopOptions& options);

}  // namespace ringcast::client
