// Runs every corpus file through its property, so that what fuzzing once found stays found, with any compiler.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/targets.h"

using namespace ringcast::fuzz;

namespace {

void replay(const Target& target) {
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(
           std::string(RINGCAST_SOURCE_DIR "/tests/fuzz/corpus/").append(target.name))) {
    INFO(file.path().string());
    std::ifstream in(file.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    target.check(ringcast::frame::as_bytes({bytes.data(), bytes.size()}));
    // Every beginning of a file is a case too: the stream stops there.
    for (std::size_t size = 0; size < bytes.size() && size < target.beginnings_max; ++size) {
      target.check(ringcast::frame::as_bytes({bytes.data(), size}));
    }
    ++files;
  }
  CHECK(files > 0);
}

}  // namespace

TEST_CASE("every target's corpus keeps its property") {
  for (const Target& target : targets()) {
    CAPTURE(target.name);
    replay(target);
  }
}
