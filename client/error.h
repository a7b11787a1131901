// Error: why something that a client wanted did not happen, ready to be shown to a person.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace ringcast::client {

enum class Failure : std::uint8_t {
  usage,        // what was asked for cannot be: a bad URL, topic, filter or option
  unresolved,   // the host has no address
  unreachable,  // no connection: refused, no route
  timeout,      // the peer did not do its part in time
  refused,      // the broker said no: an HTTP status, a refused upgrade
  protocol,     // the peer does not speak HTTP/1.1 or RFC 6455 as it must
  closed,       // the connection ended before the work did; the text says the close code and reason
  input,        // standard input could not be read, or holds what cannot be sent
  system,       // the system refused a file, a socket or memory
};

struct Error {
  Failure failure = Failure::system;
  std::string text;    // one line: what happened
  std::string remedy;  // one line: what to do about it; may be empty
};

// "text (remedy)", the line that goes to stderr.
[[nodiscard]] inline std::string to_line(const Error& error) {
  return error.remedy.empty() ? error.text : error.text + " (" + error.remedy + ")";
}

}  // namespace ringcast::client
