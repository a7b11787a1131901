// libprotobuf's own reading and writing, to compare ours with. Only library.cc includes what protoc made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/event.h"
#include "proto/request.h"

namespace ringcast::proto::test {

// `in` as libprotobuf reads it, shown like ours (plain.h). Nothing if it does not; if it holds no request or event; or
// if unknown fields are left over anywhere.
[[nodiscard]] std::optional<std::string> library_shows_request(Bytes in);
[[nodiscard]] std::optional<std::string> library_shows_event(Bytes in);

// `in`, which libprotobuf must read, as libprotobuf writes it.
[[nodiscard]] std::vector<std::uint8_t> library_rewrites_request(Bytes in);
[[nodiscard]] std::vector<std::uint8_t> library_rewrites_event(Bytes in);

}  // namespace ringcast::proto::test
