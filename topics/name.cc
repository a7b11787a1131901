#include "topics/name.h"

#include <cassert>
#include <cstdint>

namespace ringcast::topics {
namespace {

// The length of the well-formed UTF-8 sequence at the front of `in` that begins above U+007F (RFC 3629 §4); 0: none.
std::size_t multibyte_size(std::string_view in) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(in[i]); };
  const auto continues = [&](std::size_t i, std::uint8_t low = 0x80, std::uint8_t high = 0xbf) {
    return i < in.size() && byte(i) >= low && byte(i) <= high;
  };
  const std::uint8_t lead = byte(0);
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const std::uint8_t low = lead == 0xe0 ? 0xa0 : 0x80;   // overlong below U+0800
    const std::uint8_t high = lead == 0xed ? 0x9f : 0xbf;  // surrogates
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const std::uint8_t low = lead == 0xf0 ? 0x90 : 0x80;   // overlong below U+10000
    const std::uint8_t high = lead == 0xf4 ? 0x8f : 0xbf;  // above U+10FFFF
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

std::expected<void, Error> validate_characters(std::string_view name) noexcept {
  while (!name.empty()) {
    const auto lead = static_cast<std::uint8_t>(name[0]);
    std::size_t size = 1;
    if (lead < 0x20 || lead == 0x7f) return std::unexpected(Error::control_character);
    if (lead >= 0x80) {
      size = multibyte_size(name);
      if (size == 0) return std::unexpected(Error::not_utf8);
      const bool c1 = lead == 0xc2 && static_cast<std::uint8_t>(name[1]) <= 0x9f;  // U+0080–U+009F
      if (c1) return std::unexpected(Error::control_character);
    }
    name.remove_prefix(size);
  }
  return {};
}

// Everything that topics and filters have in common.
std::expected<void, Error> validate_common(std::string_view name) noexcept {
  if (name.empty()) return std::unexpected(Error::empty);
  if (name.size() > kNameSizeMax) return std::unexpected(Error::too_long);
  if (const auto characters = validate_characters(name); !characters) return characters;
  std::size_t levels = 0;
  for (std::string_view rest = name; rest.data() != nullptr;) {
    const std::string_view level = take_level(rest);
    if (level == "." || level == "..") return std::unexpected(Error::dot_level);
    if (++levels > kLevelsMax) return std::unexpected(Error::too_many_levels);
  }
  return {};
}

}  // namespace

std::expected<void, Error> validate_topic(std::string_view name) noexcept {
  if (const auto common = validate_common(name); !common) return common;
  if (name.find_first_of("+#") != std::string_view::npos) return std::unexpected(Error::wildcard_in_topic);
  return {};
}

std::expected<void, Error> validate_filter(std::string_view name) noexcept {
  if (const auto common = validate_common(name); !common) return common;
  for (std::string_view rest = name; rest.data() != nullptr;) {
    const std::string_view level = take_level(rest);
    if (level.contains('#') && level.size() > 1) return std::unexpected(Error::hash_not_alone);
    if (level.contains('+') && level.size() > 1) return std::unexpected(Error::plus_not_alone);
    if (level == "#" && rest.data() != nullptr) return std::unexpected(Error::hash_not_last);
  }
  return {};
}

bool is_wildcard(std::string_view filter) noexcept {
  return filter.find_first_of("+#") != std::string_view::npos;
}

bool overlap(std::string_view one, std::string_view other) noexcept {
  while (one.data() != nullptr && other.data() != nullptr) {
    const std::string_view a = take_level(one);
    const std::string_view b = take_level(other);
    if (a == "#" || b == "#") return true;
    if (a != b && a != "+" && b != "+") return false;
  }
  // `a/#` matches `a` too.
  return (one.data() == nullptr || one == "#") && (other.data() == nullptr || other == "#");
}

bool matches(std::string_view filter, std::string_view topic) noexcept {
  assert(!filter.empty());
  assert(!topic.empty());
  if (is_reserved(topic) && (filter[0] == '+' || filter[0] == '#')) return false;
  while (filter.data() != nullptr) {
    const std::string_view wanted = take_level(filter);
    if (wanted == "#") return true;
    if (topic.data() == nullptr) return false;
    const std::string_view level = take_level(topic);
    if (wanted != "+" && wanted != level) return false;
  }
  return topic.data() == nullptr;
}

}  // namespace ringcast::topics
