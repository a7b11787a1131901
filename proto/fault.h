// How readers build a Fault on its way out: the innermost names the field and says what is wrong with it, each level
// around it puts its own name before, the form makes a sentence of both.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proto/error_code.h"

namespace ringcast::proto {

// How strange things are met: by the broker, which refuses what it does not know, and by clients, which pass over it.
enum class Reading : std::uint8_t { strict, tolerant };

// `field` is relative to where it is found, `text` says what is wrong with it: "is needed".
[[nodiscard]] inline Fault fault(ErrorCode code, std::string_view field, std::string_view text) {
  return {.code = code, .text = std::string(text), .field = std::string(field), .id = 0};
}

// A name that a peer chose, cut to what fits into a sentence; whole characters of UTF-8.
[[nodiscard]] inline std::string_view shortened(std::string_view name) noexcept {
  constexpr std::size_t kNameBytesMax = 64;
  if (name.size() <= kNameBytesMax) return name;
  std::size_t size = kNameBytesMax;
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80) --size;
  return name.substr(0, size);
}

// The same fault, seen from outside `place`: "topic" becomes "publish.topic".
[[nodiscard]] inline Fault inside(std::string_view place, Fault&& inner) {
  std::string field(place);
  if (!inner.field.empty()) field += "." + inner.field;
  inner.field = std::move(field);
  return std::move(inner);
}

// Makes a sentence of the text: "publish.topic is needed".
[[nodiscard]] inline Fault sentence(Fault&& complete) {
  if (!complete.field.empty()) complete.text = complete.field + " " + complete.text;
  return std::move(complete);
}

// The result of a reader whose faults are relative to `place`, seen from outside.
template <class To, class From>
[[nodiscard]] std::expected<To, Fault> placed(std::string_view place, std::expected<From, Fault>&& result) {
  if (!result) return std::unexpected(inside(place, std::move(result.error())));
  return std::move(*result);
}

// A form's final result.
template <class Result>
[[nodiscard]] std::expected<Result, Fault> in_sentences(std::expected<Result, Fault>&& result) {
  if (!result) return std::unexpected(sentence(std::move(result.error())));
  return std::move(result);
}

// Which fields occurred, by number or index below 64.
class Seen {
 public:
  // True the first time.
  [[nodiscard]] bool first(std::uint32_t index) noexcept {
    const bool is_first = !has(index);
    bits_ |= std::uint64_t{1} << index;
    return is_first;
  }
  [[nodiscard]] bool has(std::uint32_t index) const noexcept { return (bits_ >> index & 1) != 0; }

 private:
  std::uint64_t bits_ = 0;
};

}  // namespace ringcast::proto
