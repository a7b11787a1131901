// Checks an encoding against the .proto's descriptors before libprotobuf reads it, for what libprotobuf would pass
// over.
//
// libprotobuf keeps unknown fields, takes the last of several values, cuts integers to 32 bits, and writes a line to
// the log for text that is not UTF-8. None of that may be in what a peer sends.
#pragma once

#include <optional>

#include "proto/fault.h"
#include "proto/request.h"

namespace google::protobuf {
class Descriptor;
}

namespace ringcast::proto {

// `body` is a message of `type`, without tag and length. Faults are relative to it. A tolerant reading finds fault only
// with a broken encoding and with text that is not UTF-8.
[[nodiscard]] std::optional<Fault> check_wire(const google::protobuf::Descriptor& type, Bytes body, Reading reading);

}  // namespace ringcast::proto
