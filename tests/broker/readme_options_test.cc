#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include "broker/option_help.h"

namespace ringcast::broker {
namespace {

std::string read(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "r");
  REQUIRE_MESSAGE(file != nullptr, path);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

TEST_CASE("the README's option table is the binary's: ./dev options writes it") {
  const std::string readme = read(RINGCAST_SOURCE_DIR "/README.md");
  const std::string begin = "<!-- options: begin -->\n";
  const std::string end = "<!-- options: end -->\n";
  const std::size_t from = readme.find(begin);
  const std::size_t to = readme.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  CHECK(readme.substr(from + begin.size(), to - from - begin.size()) == options_markdown());
}

}  // namespace
}  // namespace ringcast::broker
