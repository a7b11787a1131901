// JsonOut: writes JSON for operators, member by member.
//
//   JsonOut out;
//   out.begin_object().member("shard", 1).member("io", "epoll").end_object();
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace ringcast::broker {

class JsonOut {
 public:
  JsonOut& begin_object();
  JsonOut& end_object();
  JsonOut& begin_array();
  JsonOut& end_array();
  // The name of the next value. Names are ours: nothing in them needs an escape.
  JsonOut& key(std::string_view name);

  JsonOut& value(std::string_view text);
  JsonOut& value(const char* text) { return value(std::string_view{text}); }
  JsonOut& value(bool truth) { return raw(truth ? "true" : "false"); }
  JsonOut& value(std::integral auto number) { return raw(std::to_string(number)); }
  // With up to three digits behind the point, and never an exponent.
  JsonOut& value(double number);
  JsonOut& null() { return raw("null"); }

  template <typename T>
  JsonOut& member(std::string_view name, const T& what) {
    return key(name).value(what);
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] std::string take() noexcept { return std::exchange(text_, {}); }

 private:
  JsonOut& raw(std::string_view token);
  void separate();

  std::string text_;
};

}  // namespace ringcast::broker
