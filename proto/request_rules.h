// What holds for the requests besides Publish in both forms, once they are read.
#pragma once

#include <optional>

#include "proto/fault.h"
#include "proto/request.h"

namespace ringcast::proto {

// Of a repeated field in what the library reads of clients, while it is read: no message of 1 MiB becomes a million
// strings first. Hello's features are the only one.
inline constexpr std::uint32_t kElementsMax = kFeaturesMax;
[[nodiscard]] Fault too_many(std::string_view field);

// The first rule that the request breaks. Faults are relative to it. Filters are checked by who subscribes.
[[nodiscard]] std::optional<Fault> check(const Hello& hello);
[[nodiscard]] std::optional<Fault> check(const Subscribe& subscribe);
[[nodiscard]] std::optional<Fault> check(const Unsubscribe& unsubscribe);

}  // namespace ringcast::proto
