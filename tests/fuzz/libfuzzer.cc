// libFuzzer's entry: RINGCAST_FUZZ_CHECK is the property of the target (CMakeLists.txt).
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ringcast::fuzz::RINGCAST_FUZZ_CHECK({data, size});
  return 0;
}
