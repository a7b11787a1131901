// What holds for the requests besides Publish in both forms, once they are read.
#pragma once

#include <optional>

#include "proto/fault.h"
#include "proto/request.h"

namespace ringcast::proto {

// How many elements a repeated field may have in what the library reads of clients. Counted while it is read: no
// message of 1 MiB becomes a million strings first.
[[nodiscard]] constexpr std::uint32_t elements_max(std::string_view field) noexcept {
  return field == "received" ? kReceivedMax : kFeaturesMax;
}
[[nodiscard]] Fault too_many(std::string_view field);

// The first rule that the request breaks. Faults are relative to it. Filters are checked by who subscribes.
[[nodiscard]] std::optional<Fault> check(const Hello& hello);
[[nodiscard]] std::optional<Fault> check(const Subscribe& subscribe);
[[nodiscard]] std::optional<Fault> check(const Unsubscribe& unsubscribe);
[[nodiscard]] std::optional<Fault> check(const Change& change);
[[nodiscard]] std::optional<Fault> check(const Refresh& refresh);

}  // namespace ringcast::proto
