// Containment: whether one filter matches nothing that another does not: what permissions are decided by. Pure.
#pragma once

#include <string_view>

namespace ringcast::topics {

// Whether every topic that the valid filter `inner` matches is matched by the valid filter `outer` too. Exact for two
// filters: `a/#` contains `a`, `a/+` and `a/#`, but `a/+` contains neither `a` nor `a/#`; nothing that begins with a
// wildcard contains what begins with `$`.
[[nodiscard]] bool contains(std::string_view outer, std::string_view inner) noexcept;

}  // namespace ringcast::topics
