// Counts what the code under test takes from the heap: this binary's operator new does the counting.
#pragma once

#include <cstddef>

namespace ringcast::frame {

struct Allocations {
  std::size_t count = 0;
  std::size_t bytes = 0;  // of all of them together, freed or not
};

// Since the start of the binary.
[[nodiscard]] Allocations allocations() noexcept;

}  // namespace ringcast::frame
