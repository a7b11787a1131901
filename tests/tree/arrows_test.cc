#include "tests/tree/arrows.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <map>

namespace ringcast::tree {
namespace {

namespace fs = std::filesystem;

// Paths from the root, with `/`; what is built or installed is not ours.
std::vector<std::string> tree() {
  const fs::path root = RINGCAST_SOURCE_DIR;
  std::vector<std::string> paths;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::recursive_directory_iterator(); ++entry) {
    const std::string name = entry->path().filename();
    const bool ignored = name == "build" || name == "node_modules" || (name.starts_with('.') && name != ".ci");
    if (ignored) entry.disable_recursion_pending();
    if (!ignored) paths.push_back(fs::relative(entry->path(), root).generic_string());
  }
  return paths;
}

bool is_source(std::string_view path) {
  return path.ends_with(".h") || path.ends_with(".cc");
}

std::vector<std::string> includes_of_file(const std::string& path) {
  std::ifstream file(std::string(RINGCAST_SOURCE_DIR) + "/" + path);
  REQUIRE_MESSAGE(file.good(), path);
  return includes_of(std::string(std::istreambuf_iterator<char>(file), {}));
}

TEST_CASE("no file of the tree includes against the arrows") {
  std::size_t sources = 0;
  for (const std::string& path : tree()) {
    if (!is_source(path)) continue;
    ++sources;
    for (const std::string& violation : violations(path, includes_of_file(path))) FAIL_CHECK(violation);
  }
  CHECK(sources > 50);  // the walk did find the tree
}

TEST_CASE("no folder of the tree has a name that says nothing") {
  for (const std::string& path : tree()) {
    if (!fs::is_directory(fs::path(RINGCAST_SOURCE_DIR) / path)) continue;
    const std::string violation = folder_violation(fs::path(path).filename().string());
    CHECK_MESSAGE(violation.empty(), path << ": " << violation);
  }
}

TEST_CASE("each header that is slow to compile is included by one file of the binary") {
  std::map<std::string, std::string> users;  // one a line
  for (const std::string& path : tree()) {
    if (!is_source(path) || path.starts_with("perf/")) continue;  // perf's programs are others
    for (const std::string& include : includes_of_file(path)) {
      const std::string library = include.substr(0, include.find('/'));
      if (!users[library].ends_with(path + "\n")) users[library] += path + "\n";
    }
  }
  CHECK(users["<CLI"] == "broker/option_flags.cc\n");
  CHECK(users["<prometheus"] == "broker/exposition.cc\n");
  CHECK(users["<toml++"] == "broker/option_file.cc\n");
  CHECK(users["<spdlog"] == "broker/log.cc\n");
}

struct Sample {
  std::string path;
  std::string include;
  std::string why;
};

TEST_CASE("violations finds every include against the arrows") {
  for (const Sample& sample : std::initializer_list<Sample>{
           {"frame/header.h", "\"topics/name.h\"", "pure layers do not know each other"},
           {"frame/header.h", "\"proto/codec.h\"", "pure layers do not know each other"},
           {"topics/name.cc", "\"frame/utf8.h\"", "pure layers do not know each other"},
           {"proto/codec.cc", "\"topics/message.h\"", "pure layers do not know each other"},
           {"topics/home.h", "\"broker/config.h\"", "upward"},
           {"frame/parser.cc", "\"broker/io/ring.h\"", "upward"},
           {"web/assets.cc", "\"broker/config.h\"", "upward"},
           {"broker/shard.cc", "\"broker/io/ring.h\"", "upward: the core does not know the kernel"},
           {"broker/session.h", "\"client/url.h\"", "the client is no part of the broker"},
           {"broker/io/worker.cc", "\"client/url.h\"", "the client is no part of the broker"},
           {"broker/io/worker.cc", "\"perf/histogram.h\"", "perf is nobody's"},
           {"client/sub.cc", "\"broker/config.h\"", "the client is a library of its own"},
           {"client/sub.cc", "\"topics/name.h\"", "the client is a library of its own"},
           {"perf/load.cc", "\"broker/queue.h\"", "perf measures from outside"},
           {"broker/queue.cc", "\"tests/sim/backend.h\"", "nobody includes a test"},
           {"broker/shard.cc", "\"ringcast/resume_point.h\"", "the client is no part of the broker"},
           {"broker/queue.cc", "\"queue.h\"", "not from the root"},
           {"broker/queue.cc", "\"../topics/name.h\"", "not from the root"},
           {"broker/queue.cc", "<sys/socket.h>", "the kernel"},
           {"broker/queue.cc", "<unistd.h>", "the kernel"},
           {"broker/shard.h", "<liburing.h>", "the kernel"},
           {"topics/pool.cc", "<sys/mman.h>", "the kernel"},
           {"frame/mask.cc", "<sys/random.h>", "the kernel"},
           {"frame/mask.cc", "<linux/futex.h>", "the kernel"},
           {"broker/config.cc", "<filesystem>", "the kernel"},
           {"gadgets/thing.cc", "<vector>", "no such layer"}}) {
    CAPTURE(sample.path);
    CAPTURE(sample.include);
    CAPTURE(sample.why);
    CHECK(violations(sample.path, std::vector{sample.include}).size() == 1);
  }
}

TEST_CASE("violations lets the arrows' own directions pass") {
  for (const Sample& sample : std::initializer_list<Sample>{{"broker/shard.cc", "\"frame/parser.h\"", ""},
                                                            {"broker/shard.cc", "\"topics/home.h\"", ""},
                                                            {"broker/shard.cc", "\"proto/close_code.h\"", ""},
                                                            {"broker/http_session.cc", "\"web/assets.h\"", ""},
                                                            {"broker/io/worker.cc", "\"broker/shard.h\"", ""},
                                                            {"broker/io/worker.cc", "<sys/epoll.h>", ""},
                                                            {"broker/main.cc", "\"broker/io/server.h\"", ""},
                                                            {"broker/main.cc", "\"client/commands.h\"", ""},
                                                            {"broker/main.cc", "\"broker/main_console.h\"", ""},
                                                            {"broker/main.cc", "<unistd.h>", ""},
                                                            {"client/stream.cc", "\"frame/parser.h\"", ""},
                                                            {"client/stream.cc", "<sys/socket.h>", ""},
                                                            {"client/ringcast.h", "\"ringcast/resume_point.h\"", ""},
                                                            {"perf/floor.cc", "<liburing.h>", ""},
                                                            {"tests/broker/shard_test.cc", "\"broker/io/ring.h\"", ""},
                                                            {"topics/name.cc", "<string_view>", ""},
                                                            {"topics/name.cc", "<system_error>", ""}}) {
    CAPTURE(sample.path);
    CAPTURE(sample.include);
    CHECK(violations(sample.path, std::vector{sample.include}).empty());
  }
}

TEST_CASE("includes_of sees every way to write an include, and nothing else") {
  CHECK(includes_of("#include <vector>\n#include \"a/b.h\"  // why\n  #  include\t<c>\n#include<d>\n") ==
        std::vector<std::string>{"<vector>", "\"a/b.h\"", "<c>", "<d>"});
  CHECK(includes_of("// #include <vector>\n#define X \"#include <a>\"\n#include\n#include \"a\nint include;").empty());
  CHECK(includes_of("").empty());
  CHECK(includes_of("#include <last>") == std::vector<std::string>{"<last>"});
}

TEST_CASE("folder_violation refuses names that say nothing") {
  CHECK(folder_violation("frame") == "");
  for (const std::string name : {"util", "common", "base", "src"}) CHECK(folder_violation(name) != "");
}

}  // namespace
}  // namespace ringcast::tree
