#include "client/json_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "frame/http_response.h"

namespace ringcast::client {
namespace {

void append_integer(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits{};  // 2^64 - 1 has 20
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

}  // namespace

void append_json_number(std::string& out, double value, int decimals) {
  std::array<char, 64> digits{};  // below 1e40, and all that is counted here is
  const auto result =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed, decimals);
  if (!std::isfinite(value) || result.ec != std::errc{}) {
    out += "null";
    return;
  }
  out.append(digits.data(), result.ptr);
}

JsonText& JsonText::add(std::string_view name, std::string_view text) {
  add_name(name);
  frame::append_json_string(out_, text);
  return *this;
}

JsonText& JsonText::add(std::string_view name, std::uint64_t value) {
  add_name(name);
  append_integer(out_, value);
  return *this;
}

JsonText& JsonText::add(std::string_view name, double value, int decimals) {
  add_name(name);
  append_json_number(out_, value, decimals);
  return *this;
}

JsonText& JsonText::add_true(std::string_view name) {
  add_name(name);
  out_ += "true";
  return *this;
}

void JsonText::add_name(std::string_view name) {
  if (!empty_) out_ += ',';
  empty_ = false;
  out_ += '"';
  out_ += name;
  out_ += "\":";
}

}  // namespace ringcast::client
