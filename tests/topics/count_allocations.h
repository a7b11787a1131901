// What this binary has taken from the heap by operator new. Linked only into tests of what must not allocate.
#pragma once

#include <cstdint>

namespace ringcast::topics::test {

[[nodiscard]] std::uint64_t allocations() noexcept;
// Of all of them together, freed or not.
[[nodiscard]] std::uint64_t allocated_bytes() noexcept;

}  // namespace ringcast::topics::test
