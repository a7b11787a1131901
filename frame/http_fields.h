// Fields: the header fields of an HTTP message, in order, found by name without regard to case (RFC 9110 §5).
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::frame {

struct Field {
  std::string_view name;
  std::string_view value;  // without the white space around it; may be empty
};

// True if both are the same but for the case of ASCII letters.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

// By character: whether it may stand in a token (RFC 9110 §5.6.2).
inline constexpr std::array<bool, 256> kTokenCharacters = [] {
  std::array<bool, 256> table{};
  for (const char c :
       std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

// True for the characters that tokens are made of.
[[nodiscard]] constexpr bool is_token_char(char c) noexcept {
  return kTokenCharacters[static_cast<unsigned char>(c)];
}

// True for what may stand in a field's value: visible characters, bytes over 7F, space and tab (RFC 9110 §5.5).
[[nodiscard]] constexpr bool is_value_char(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

// `text` without the spaces and tabs around it.
[[nodiscard]] std::string_view trim_spaces(std::string_view text) noexcept;

// True if `text` is a token: what names and methods are made of.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

// True if `text` may stand as a field's value: no control characters but tab, no space at its ends (RFC 9110 §5.5).
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

// Views into the head that it was parsed from.
class Fields {
 public:
  void reserve(std::size_t count) { fields_.reserve(count); }
  void add(Field field) { fields_.push_back(field); }
  [[nodiscard]] std::span<const Field> all() const noexcept { return fields_; }

  // The value of the first field of that name.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;

  // All values of that name, with ", " between them (RFC 9110 §5.3); empty if there are none.
  [[nodiscard]] std::string combined(std::string_view name) const;

  // The elements of a comma-separated list over all fields of that name, trimmed, empty ones left out (RFC 9110
  // §5.6.1). Commas inside quoted strings do not separate.
  [[nodiscard]] std::vector<std::string_view> list(std::string_view name) const;

  // True if `token` is an element of that list, without regard to case.
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

 private:
  std::vector<Field> fields_;
};

}  // namespace ringcast::frame
