#include "proto/base64.h"

#include <array>
#include <cstdint>

namespace ringcast::proto {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kNone = 0x80;  // above all six-bit values

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::uint8_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<std::uint8_t>(kAlphabet[i])] = i;
  return values;
}();

std::uint32_t value_of(char c) noexcept {
  return kValues[static_cast<std::uint8_t>(c)];
}

// The last group: two or three characters and their padding, which stand for one or two bytes.
bool append_last(std::string_view group, std::string& out) {
  const std::uint32_t first = value_of(group[0]);
  const std::uint32_t second = value_of(group[1]);
  const bool one_byte = group[2] == '=';
  const std::uint32_t third = one_byte ? 0 : value_of(group[2]);
  if (((first | second | third) & kNone) != 0) return false;
  // What is left over of the last character must be 0, else two texts would stand for the same bytes (§3.5).
  if (((one_byte ? second & 0xf : third & 0x3) != 0)) return false;
  out += static_cast<char>(first << 2 | second >> 4);
  if (!one_byte) out += static_cast<char>(second << 4 | third >> 2);
  return true;
}

}  // namespace

void encode_base64(Bytes bytes, char* out) noexcept {
  const auto digit = [](std::uint32_t bits) { return kAlphabet[bits & 0x3f]; };
  for (; bytes.size() >= 3; bytes = bytes.subspan(3), out += 4) {
    const std::uint32_t bits = std::uint32_t{bytes[0]} << 16 | std::uint32_t{bytes[1]} << 8 | bytes[2];
    out[0] = digit(bits >> 18);
    out[1] = digit(bits >> 12);
    out[2] = digit(bits >> 6);
    out[3] = digit(bits);
  }
  if (bytes.empty()) return;
  const std::uint32_t bits =
      std::uint32_t{bytes[0]} << 16 | (bytes.size() > 1 ? std::uint32_t{bytes[1]} << 8 : std::uint32_t{0});
  out[0] = digit(bits >> 18);
  out[1] = digit(bits >> 12);
  out[2] = bytes.size() > 1 ? digit(bits >> 6) : '=';
  out[3] = '=';
}

bool append_decoded_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  if (text.empty()) return true;
  const bool padded = text.back() == '=';
  const std::size_t whole = text.size() - (padded ? 4 : 0);
  std::uint32_t all = 0;
  for (std::size_t i = 0; i < whole; i += 4) {
    const std::uint32_t a = value_of(text[i]);
    const std::uint32_t b = value_of(text[i + 1]);
    const std::uint32_t c = value_of(text[i + 2]);
    const std::uint32_t d = value_of(text[i + 3]);
    all |= a | b | c | d;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    const char three[]{static_cast<char>(bits >> 16), static_cast<char>(bits >> 8), static_cast<char>(bits)};
    out.append(three, 3);
  }
  if ((all & kNone) != 0) return false;
  return !padded || append_last(text.substr(whole), out);
}

}  // namespace ringcast::proto
