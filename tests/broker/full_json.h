// What clients of the full protocol's JSON form say, and what is read from what they hear.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::broker::test {

using Texts = std::vector<std::string>;

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The value of the first member of that name: a number, or a string without its quotes; "" when there is none.
inline std::string value_of(const std::string& json, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":";
  std::size_t at = json.find(key);
  if (at == std::string::npos) return "";
  at += key.size();
  const bool quoted = json[at] == '"';
  if (quoted) ++at;
  return json.substr(at, json.find_first_of(quoted ? "\"" : ",}]", at) - at);
}

// The same as a number; 0 when there is none, which is how 0 is written.
inline std::uint64_t number_of(const std::string& json, std::string_view name) {
  const std::string text = value_of(json, name);
  return text.empty() ? 0 : std::stoull(text);
}

// True if the event is one of that kind: "message", "snapshot_end".
inline bool is_kind(const std::string& json, std::string_view kind) {
  return json.starts_with("{\"" + std::string(kind) + "\":");
}

// The texts of the messages among `heard`, in order.
inline Texts messages(const Texts& heard) {
  Texts texts;
  for (const std::string& json : heard) {
    if (is_kind(json, "message")) texts.push_back(value_of(json, "text"));
  }
  return texts;
}

inline std::string publish(std::string_view topic, std::string_view text, int id = 0) {
  return R"({"publish":{)" + (id == 0 ? "" : "\"id\":" + std::to_string(id) + ",") + R"("topic":")" +
         std::string(topic) + R"(","text":")" + std::string(text) + R"("}})";
}

// `more` is further members, each with a comma before it.
inline std::string subscribe(int id, std::string_view filter, std::string_view more = "") {
  return R"({"subscribe":{"id":)" + std::to_string(id) + R"(,"filter":")" + std::string(filter) + "\"" +
         std::string(more) + "}}";
}

}  // namespace ringcast::broker::test
