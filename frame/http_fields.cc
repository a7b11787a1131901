#include "frame/http_fields.h"

#include <algorithm>

namespace ringcast::frame {

namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Where the element at the front of a list ends: at a comma outside quoted strings, or at the end (RFC 9110 §5.6.4).
std::size_t element_size(std::string_view list) noexcept {
  bool quoted = false;
  for (std::size_t at = 0; at < list.size(); ++at) {
    if (quoted && list[at] == '\\') {
      ++at;
    } else if (list[at] == '"') {
      quoted = !quoted;
    } else if (list[at] == ',' && !quoted) {
      return at;
    }
  }
  return list.size();
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool is_field_value(std::string_view text) noexcept {
  return std::ranges::all_of(text, is_value_char) && trim_spaces(text).size() == text.size();
}

std::string_view trim_spaces(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return text.substr(text.size());
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::string_view> Fields::get(std::string_view name) const noexcept {
  for (const Field& field : fields_) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields_, [&](const Field& field) { return equals_ignoring_case(field.name, name); }));
}

std::string Fields::combined(std::string_view name) const {
  std::string values;
  for (const Field& field : fields_) {
    if (!equals_ignoring_case(field.name, name)) continue;
    if (!values.empty()) values += ", ";
    values += field.value;
  }
  return values;
}

std::vector<std::string_view> Fields::list(std::string_view name) const {
  std::vector<std::string_view> elements;
  for (const Field& field : fields_) {
    if (!equals_ignoring_case(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t size = element_size(rest);
      const std::string_view element = trim_spaces(rest.substr(0, size));
      if (!element.empty()) elements.push_back(element);
      rest.remove_prefix(std::min(size + 1, rest.size()));
    }
  }
  return elements;
}

bool Fields::has_token(std::string_view name, std::string_view token) const {
  return std::ranges::any_of(list(name),
                             [&](std::string_view element) { return equals_ignoring_case(element, token); });
}

}  // namespace ringcast::frame
