// What holds for a Publish in both forms, once it is read: limits, and what must and must not be there.
#pragma once

#include <optional>

#include "proto/fault.h"
#include "proto/request.h"

namespace ringcast::proto {

// The first rule that `publish` breaks. Its headers, and its payload against its format, are checked by who reads them.
[[nodiscard]] std::optional<Fault> check_publish(const Publish& publish);

}  // namespace ringcast::proto
