// What holds for the requests besides Publish in both forms, once they are read.
#pragma once

#include <optional>

#include "proto/fault.h"
#include "proto/request.h"

namespace ringcast::proto {

// The first rule that the request breaks. Faults are relative to it. Filters are checked by who subscribes.
[[nodiscard]] std::optional<Fault> check(const Hello& hello);
[[nodiscard]] std::optional<Fault> check(const Subscribe& subscribe);
[[nodiscard]] std::optional<Fault> check(const Unsubscribe& unsubscribe);

}  // namespace ringcast::proto
