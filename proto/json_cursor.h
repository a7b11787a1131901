// JsonCursor: walks a text that is known to be valid JSON (JsonJudge says so), value by value.
//
// Being valid, it needs no checks: a comma is where it belongs, a quote has its pair, brackets match.
//
//   cursor.enter();                       // at { or [
//   while (cursor.next_member()) {        // or next_element()
//     if (cursor.name() == "id") … cursor.value() …; else (void)cursor.value();
//   }
//
// Thread: one. Hot path: once per request in JSON. No allocation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringcast::proto {

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view valid) noexcept : at_(valid.data()), end_(valid.data() + valid.size()) {
    skip_space();
  }

  // The first character of the value here, which tells its type: { [ " t f n - or a digit.
  [[nodiscard]] char kind() const noexcept { return *at_; }

  // Goes inside the object or array here.
  void enter() noexcept { ++at_; }
  // Goes to the value of the next member or element; false at the end of the object or array, which is left then.
  [[nodiscard]] bool next_member() noexcept;
  [[nodiscard]] bool next_element() noexcept;
  // The member's name as it is written, without its quotes.
  [[nodiscard]] std::string_view name() const noexcept { return name_; }

  // The text of the value here, which is passed over: `{"a":1}`, `"text"` with its quotes, `12`.
  [[nodiscard]] std::string_view value() noexcept;
  // How deep arrays and objects are nested in the last value(); an innermost one that is empty does not count.
  [[nodiscard]] std::uint32_t depth() const noexcept { return depth_; }

 private:
  void skip_space() noexcept;
  void skip_nested() noexcept;

  const char* at_;
  const char* end_;
  std::string_view name_;
  std::uint32_t depth_ = 0;
};

// Appends what a valid string, given without its quotes, stands for.
void append_unescaped(std::string_view raw, std::string& out);

}  // namespace ringcast::proto
