#include "tests/proto/vectors.h"

#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace ringcast::proto::test {

namespace {

using simdjson::dom::element;

Encoding from_hex(std::string_view hex) {
  Encoding bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

Encoding from_text(std::string_view text) {
  return {text.begin(), text.end()};
}

// Empty if there is no such member.
std::string_view text_of(element object, std::string_view name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

// The encoding that is written, `name`, and those that mean the same.
std::vector<Encoding> encodings(element object, std::string_view name, std::string_view also,
                                Encoding (*decode)(std::string_view)) {
  std::vector<Encoding> all;
  std::string_view first;
  if (object[name].get(first) == simdjson::SUCCESS) all.push_back(decode(first));
  simdjson::dom::array array;
  if (object[also].get(array) != simdjson::SUCCESS) return all;
  for (const element one : array) all.push_back(decode(std::string_view(one)));
  return all;
}

Vector read_vector(element object, const std::string& file) {
  Vector vector{.name = file + ": " + std::string(text_of(object, "name")),
                .from_client = text_of(object, "direction") == "client",
                .wire = encodings(object, "proto_hex", "proto_also_hex", from_hex),
                .json = encodings(object, "json", "json_also", from_text),
                .reject = {}};
  element reject;
  if (object["reject"].get(reject) != simdjson::SUCCESS) return vector;
  vector.is_bad = true;
  vector.reject = {.code = std::string(text_of(reject, "code")), .field = std::string(text_of(reject, "field"))};
  if (std::uint64_t id = 0; reject["id"].get(id) == simdjson::SUCCESS) vector.reject.id = id;
  return vector;
}

std::vector<Vector> read_all() {
  std::vector<std::string> paths;
  for (const auto& file : std::filesystem::directory_iterator(RINGCAST_SOURCE_DIR "/proto/vectors")) {
    if (file.path().extension() == ".json") paths.push_back(file.path().string());
  }
  std::ranges::sort(paths);
  std::vector<Vector> all;
  simdjson::dom::parser parser;
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const simdjson::dom::array array = parser.parse(text);
    for (const element object : array) all.push_back(read_vector(object, std::filesystem::path(path).stem()));
  }
  return all;
}

}  // namespace

const std::vector<Vector>& vectors() {
  static const std::vector<Vector> all = read_all();
  return all;
}

}  // namespace ringcast::proto::test
