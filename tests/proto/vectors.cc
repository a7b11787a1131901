#include "tests/proto/vectors.h"

#include <simdjson.h>

#include <algorithm>
#include <filesystem>

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

std::optional<std::string_view> text_of(element object, std::string_view name) {
  std::string_view text;
  if (object[name].get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

std::vector<Encoding> also(element object, std::string_view name, Encoding (*decode)(std::string_view)) {
  std::vector<Encoding> encodings;
  simdjson::dom::array array;
  if (object[name].get(array) != simdjson::SUCCESS) return encodings;
  for (const element one : array) encodings.push_back(decode(std::string_view(one)));
  return encodings;
}

Vector read_vector(element object, const std::string& file) {
  Vector vector{.name = file + ": " + std::string(*text_of(object, "name")),
                .from_client = *text_of(object, "direction") == "client",
                .wire = {},
                .json = {},
                .wire_also = also(object, "proto_also_hex", from_hex),
                .json_also = also(object, "json_also", from_text),
                .reject = {}};
  if (const auto hex = text_of(object, "proto_hex")) vector.wire = from_hex(*hex);
  if (const auto json = text_of(object, "json")) vector.json = from_text(*json);
  element reject;
  if (object["reject"].get(reject) == simdjson::SUCCESS) {
    vector.reject = {.code = std::string(*text_of(reject, "code")),
                     .field = std::string(text_of(reject, "field").value_or(""))};
    if (std::uint64_t id = 0; reject["id"].get(id) == simdjson::SUCCESS) vector.reject->id = id;
  }
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
    const simdjson::dom::array array = parser.load(path);
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
