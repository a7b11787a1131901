#include "topics/containment.h"

#include <cassert>

#include "topics/name.h"

namespace ringcast::topics {

bool contains(std::string_view outer, std::string_view inner) noexcept {
  assert(!outer.empty());
  assert(!inner.empty());
  if (is_reserved(inner) && (outer[0] == '+' || outer[0] == '#')) return false;
  for (bool first = true; outer.data() != nullptr; first = false) {
    const std::string_view allowed = take_level(outer);
    if (allowed == "#") return true;
    if (inner.data() == nullptr) return false;
    const std::string_view level = take_level(inner);
    // `a/#` matches `a` too, which has no such level. A `#` alone needs one level at least: it is `+/#`.
    if (level == "#") return first && allowed == "+" && outer == "#";
    if (allowed != "+" && allowed != level) return false;
  }
  return inner.data() == nullptr;
}

}  // namespace ringcast::topics
