// Listening sockets: one for each shard on one address, so that the kernel spreads connections over them
// (SO_REUSEPORT).
//
// A second broker on the same port must be told, although it too would listen with SO_REUSEPORT and, being the same
// user's, would be let in and get half of the connections. So the first socket takes the port alone (bind and listen
// without SO_REUSEPORT: fails if anybody listens there) and admits the others only then. It is itself a shard's
// listener and stays open, so at no moment can somebody else take the port.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "broker/config.h"
#include "broker/io/descriptor.h"
#include "broker/io/error.h"

namespace ringcast::io {

struct Listeners {
  std::vector<Descriptor>
      sockets;              // close-on-exec and blocking, as io_uring wants them; they already queue connections
  broker::Address address;  // with the port that was chosen where 0 was asked for
};

struct ListenOptions {
  unsigned count = 1;
  // A killed broker's ring holds its sockets some 10 to 70 ms longer than its pid lives; a restart outwaits that.
  std::int64_t patience_ms = 500;
};

// Listens on `address`, a literal IPv4 or IPv6 address ("::" takes IPv4 as well). The error's text names the remedy.
[[nodiscard]] std::expected<Listeners, Error> listen_on(const broker::Address& address, const ListenOptions& options);

}  // namespace ringcast::io
