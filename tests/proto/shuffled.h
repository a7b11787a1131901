// shuffled(): another encoding of the same message of Protocol Buffers.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "proto/request.h"

namespace ringcast::proto::test {

using Encoding = std::vector<std::uint8_t>;

// The fields of `envelope`'s one message in another order; several of one number keep theirs among them. Lengths are
// written longer than they need be.
[[nodiscard]] Encoding shuffled(Bytes envelope, std::mt19937& random);

}  // namespace ringcast::proto::test
