// What simdjson says of bytes: whether they are JSON, whether they are UTF-8. Its header is read by json_text.cc alone.
//
// Hot path: once per publish with a JSON payload, and per request in JSON. No allocation in the steady state.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace ringcast::proto {

// True if `text` is valid UTF-8 (RFC 3629).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

enum class JsonVerdict : std::uint8_t {
  valid,
  invalid,
  too_deep,
};

// Judges texts, with memory that it keeps: of about 14 bytes per byte of the longest.
class JsonJudge {
 public:
  // Arrays and objects may be nested so deep. An innermost one that is empty does not count.
  explicit JsonJudge(std::uint32_t depth_max);
  ~JsonJudge();
  JsonJudge(const JsonJudge&) = delete;
  JsonJudge& operator=(const JsonJudge&) = delete;

  // Is it one JSON value in UTF-8 (RFC 8259), with numbers that are finite and integers of at most 64 bits, and no half
  // of a surrogate pair in strings? `valid` means all of that.
  [[nodiscard]] JsonVerdict judge(std::string_view text);

 private:
  struct Simdjson;

  void reserve(std::size_t size);

  std::unique_ptr<Simdjson> simdjson_;
  std::uint32_t depth_max_;
};

}  // namespace ringcast::proto
