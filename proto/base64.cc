#include "proto/base64.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace ringcast::proto {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kNone = 0x80;  // above all six-bit values

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  std::uint8_t value = 0;
  for (const char c : kAlphabet) values[static_cast<std::uint8_t>(c)] = value++;
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
  const std::uint8_t* in = bytes.data();
  const std::uint8_t* const whole = in + bytes.size() / 3 * 3;
  for (; in != whole; in += 3, out += 4) {
    const std::uint32_t bits = std::uint32_t{in[0]} << 16 | std::uint32_t{in[1]} << 8 | in[2];
    const std::array<char, 4> digits{digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), digit(bits)};
    std::memcpy(out, digits.data(), digits.size());  // at once: `out` could be anything, bytes of `in` too
  }
  const std::size_t rest = bytes.size() % 3;
  if (rest == 0) return;
  const std::uint32_t bits = std::uint32_t{in[0]} << 16 | (rest == 2 ? std::uint32_t{in[1]} << 8 : std::uint32_t{0});
  out[0] = digit(bits >> 18);
  out[1] = digit(bits >> 12);
  out[2] = rest == 2 ? digit(bits >> 6) : '=';
  out[3] = '=';
}

bool append_decoded_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  if (text.empty()) return true;
  const bool padded = text.back() == '=';
  const std::size_t groups = text.size() / 4 - (padded ? 1 : 0);
  const std::size_t begin = out.size();
  out.resize(begin + groups * 3);
  char* to = out.data() + begin;
  std::uint32_t all = 0;
  for (std::size_t i = 0; i < groups; ++i, to += 3) {
    const std::uint32_t a = value_of(text[4 * i]);
    const std::uint32_t b = value_of(text[4 * i + 1]);
    const std::uint32_t c = value_of(text[4 * i + 2]);
    const std::uint32_t d = value_of(text[4 * i + 3]);
    all |= a | b | c | d;
    to[0] = static_cast<char>(a << 2 | b >> 4);
    to[1] = static_cast<char>(b << 4 | c >> 2);
    to[2] = static_cast<char>(c << 6 | d);
  }
  if ((all & kNone) != 0) return false;
  return !padded || append_last(text.substr(groups * 4), out);
}

}  // namespace ringcast::proto
