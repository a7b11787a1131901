// allocations(): how often this binary has called operator new. Linked only into tests of what must not allocate.
#pragma once

#include <cstdint>

namespace ringcast::topics::test {

[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace ringcast::topics::test
