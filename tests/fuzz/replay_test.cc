// Runs every corpus file through its property, so that what fuzzing once found stays found, with any compiler.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/property.h"

using namespace ringcast::fuzz;

namespace {

void replay(const std::string& target, void (*check)(Bytes)) {
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(RINGCAST_SOURCE_DIR "/tests/fuzz/corpus/" + target)) {
    INFO(file.path().string());
    std::ifstream in(file.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    check(ringcast::frame::as_bytes({bytes.data(), bytes.size()}));
    // Every beginning of a file is a case too: the stream stops there.
    for (std::size_t size = 0; size < bytes.size() && size < 300; ++size) {
      check(ringcast::frame::as_bytes({bytes.data(), size}));
    }
    ++files;
  }
  CHECK(files > 0);
}

}  // namespace

TEST_CASE("frame_parser's corpus keeps its property") {
  replay("frame_parser", check_frame_parser);
}
TEST_CASE("frame_inflate's corpus keeps its property") {
  replay("frame_inflate", check_frame_inflate);
}
TEST_CASE("frame_deflate's corpus keeps its property") {
  replay("frame_deflate", check_frame_deflate);
}
TEST_CASE("deflate_offer's corpus keeps its property") {
  replay("deflate_offer", check_deflate_offer);
}
TEST_CASE("http_request's corpus keeps its property") {
  replay("http_request", check_http_request);
}
TEST_CASE("url's corpus keeps its property") {
  replay("url", check_url);
}
TEST_CASE("handshake's corpus keeps its property") {
  replay("handshake", check_handshake);
}
TEST_CASE("topic_names' corpus keeps its property") {
  replay("topic_names", check_topic_names);
}
TEST_CASE("proto_request's corpus keeps its property") {
  replay("proto_request", check_proto_request);
}
TEST_CASE("json_request's corpus keeps its property") {
  replay("json_request", check_json_request);
}
TEST_CASE("event's corpus keeps its property") {
  replay("event", check_event);
}
