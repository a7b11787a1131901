// libFuzzer's entry, for all targets: the program's name says which, as `fuzz_url` (a link, made by CMakeLists.txt).
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

const ringcast::fuzz::Target* chosen = nullptr;

}  // namespace

int LLVMFuzzerInitialize(int*, char*** argv) {
  std::string_view name((*argv)[0]);
  name = name.substr(name.rfind('/') + 1);  // npos + 1 is 0
  if (name.starts_with("fuzz_")) chosen = ringcast::fuzz::find_target(name.substr(5));
  if (chosen != nullptr) return 0;
  std::fputs("run it by the name of a target: fuzz_TARGET\n", stderr);
  std::exit(2);
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->check({data, size});
  return 0;
}
