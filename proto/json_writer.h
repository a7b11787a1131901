// JsonWriter: writes compact JSON over what a vector held. The caller sees to it that the pieces make sense.
//
// Hot path: once per message and ack. Memory grows only beyond what the vector ever had.
#pragma once

#include <cassert>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "proto/request.h"
#include "proto/wire_reader.h"

namespace ringcast::proto {

class JsonWriter {
 public:
  // Replaces `out`; finish() gives it its size. `expected_size` in bytes is a guess that spares growing.
  JsonWriter(std::vector<std::uint8_t>& out, std::size_t expected_size) : out_(out) {
    if (out_.size() < expected_size) out_.resize(expected_size);
  }

  // As it is: punctuation, names that need no escapes, values that are JSON.
  void raw(std::string_view text) {
    char* const at = reserve(text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    size_ += text.size();
  }

  void integer(std::uint64_t value) {
    assert(value <= kJsonIntegerMax);
    char* const at = reserve(20);
    size_ += static_cast<std::size_t>(std::to_chars(at, at + 20, value).ptr - at);
  }

  // The shortest decimal that reads back the same. `value` is finite.
  void number(double value);

  // A string with its quotes; `text` is UTF-8.
  void string(std::string_view text);

  // A string of base64.
  void base64(Bytes bytes);

  void finish() { out_.resize(size_); }

 private:
  // Room for `size` more bytes, and where they begin.
  [[nodiscard]] char* reserve(std::size_t size) {
    if (out_.size() - size_ < size) grow(size);
    return reinterpret_cast<char*>(out_.data()) + size_;
  }
  void grow(std::size_t size);
  void escaped(char c);

  std::vector<std::uint8_t>& out_;
  std::size_t size_ = 0;
};

}  // namespace ringcast::proto
