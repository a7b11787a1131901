#include "broker/json_out.h"

#include <array>
#include <charconv>
#include <cmath>

#include "frame/http_response.h"

namespace ringcast::broker {

// A comma where something stands before, on the same level.
void JsonOut::separate() {
  if (text_.empty()) return;
  const char last = text_.back();
  if (last != '{' && last != '[' && last != ':') text_ += ',';
}

JsonOut& JsonOut::raw(std::string_view token) {
  separate();
  text_ += token;
  return *this;
}

JsonOut& JsonOut::begin_object() {
  return raw("{");
}

JsonOut& JsonOut::end_object() {
  text_ += '}';
  return *this;
}

JsonOut& JsonOut::begin_array() {
  return raw("[");
}

JsonOut& JsonOut::end_array() {
  text_ += ']';
  return *this;
}

JsonOut& JsonOut::key(std::string_view name) {
  separate();
  text_ += '"';
  text_ += name;
  text_ += "\":";
  return *this;
}

JsonOut& JsonOut::value(std::string_view text) {
  separate();
  frame::append_json_string(text_, text);
  return *this;
}

JsonOut& JsonOut::value(double number) {
  if (!std::isfinite(number)) return null();
  std::array<char, 400> digits{};  // the largest double has 309
  const double rounded = std::round(number * 1000) / 1000;
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), rounded, std::chars_format::fixed);
  return raw({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

}  // namespace ringcast::broker
