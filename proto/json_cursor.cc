#include "proto/json_cursor.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "proto/json_scan.h"

namespace ringcast::proto {

namespace {

bool is_space(char c) noexcept {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

// Does a number, true, false or null end before `c`?
bool ends_word(char c) noexcept {
  return c == ',' || c == '}' || c == ']' || is_space(c);
}

// What a character outside of strings means to who passes over a value.
enum class Meaning : std::uint8_t { other, quote, open, close, space };

constexpr std::array<Meaning, 256> kMeanings = [] {
  std::array<Meaning, 256> meanings{};
  meanings['"'] = Meaning::quote;
  meanings['{'] = meanings['['] = Meaning::open;
  meanings['}'] = meanings[']'] = Meaning::close;
  meanings[' '] = meanings['\n'] = meanings['\r'] = meanings['\t'] = Meaning::space;
  return meanings;
}();

// Where the string that begins with the quote at `at` is over.
const char* past_string(const char* at, const char* end) noexcept {
  ++at;
  while (true) {
    at = find_escapable(at, end);
    assert(at != end);
    if (*at == '"') return at + 1;
    at += 2;  // no quote that follows a backslash ends a string
  }
}

std::uint32_t hex_digit(char c) noexcept {
  if (c <= '9') return static_cast<std::uint32_t>(c - '0');
  return static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
}

// The four digits of \uXXXX.
std::uint32_t code_unit(std::string_view digits) noexcept {
  std::uint32_t unit = 0;
  for (const char c : digits.substr(0, 4)) unit = unit << 4 | hex_digit(c);
  return unit;
}

// RFC 3629 §3.
void append_utf8(std::uint32_t point, std::string& out) {
  const auto continuation = [&](unsigned shift) { out += static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    continuation(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | point >> 12);
    continuation(6);
    continuation(0);
  } else {
    out += static_cast<char>(0xf0 | point >> 18);
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

char short_escape(char letter) noexcept {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;  // a quote, a backslash or a slash
  }
}

// Takes an escape off the front, after its backslash.
void append_escape(std::string_view& raw, std::string& out) {
  if (raw.front() != 'u') {
    out += short_escape(raw.front());
    raw.remove_prefix(1);
    return;
  }
  std::uint32_t point = code_unit(raw.substr(1));
  raw.remove_prefix(5);
  if (point >= 0xd800 && point < 0xdc00) {  // half of a pair; valid text has the other half next
    point = 0x10000 + ((point - 0xd800) << 10) + (code_unit(raw.substr(2)) - 0xdc00);
    raw.remove_prefix(6);
  }
  append_utf8(point, out);
}

}  // namespace

void JsonCursor::skip_space() noexcept {
  const char* at = at_;
  while (at != end_ && is_space(*at)) ++at;
  at_ = at;
}

bool JsonCursor::next_element() noexcept {
  skip_space();
  if (*at_ == ']' || *at_ == '}') {
    ++at_;
    return false;
  }
  if (*at_ == ',') {
    ++at_;
    skip_space();
  }
  return true;
}

bool JsonCursor::next_member() noexcept {
  if (!next_element()) return false;
  const char* const begin = at_;
  at_ = past_string(begin, end_);
  name_ = {begin + 1, static_cast<std::size_t>(at_ - begin - 2)};
  skip_space();
  assert(*at_ == ':');
  ++at_;
  skip_space();
  return true;
}

std::string_view JsonCursor::value() noexcept {
  const char* const begin = at_;
  depth_ = 0;
  if (*at_ == '"') {
    at_ = past_string(begin, end_);
  } else if (*at_ == '{' || *at_ == '[') {
    skip_nested();
  } else {
    const char* at = begin;
    while (at != end_ && !ends_word(*at)) ++at;
    at_ = at;
  }
  return {begin, static_cast<std::size_t>(at_ - begin)};
}

void JsonCursor::skip_nested() noexcept {
  const char* at = at_;  // not the member, which each step would store: characters could be part of it
  std::uint32_t open = 0;
  bool empty = false;  // the innermost one, so far
  do {
    assert(at != end_);
    switch (kMeanings[static_cast<unsigned char>(*at)]) {
      case Meaning::quote:
        at = past_string(at, end_);
        empty = false;
        continue;
      case Meaning::open:
        ++open;
        empty = true;
        break;
      case Meaning::close:
        if (!empty) depth_ = std::max(depth_, open);
        --open;
        empty = false;
        break;
      case Meaning::space:
        break;
      case Meaning::other:
        empty = false;
        break;
    }
    ++at;
  } while (open > 0);
  at_ = at;
}

void append_unescaped(std::string_view raw, std::string& out) {
  while (true) {
    const std::size_t plain = std::min(raw.find('\\'), raw.size());
    out += raw.substr(0, plain);
    raw.remove_prefix(plain);
    if (raw.empty()) return;
    raw.remove_prefix(1);
    append_escape(raw, out);
  }
}

}  // namespace ringcast::proto
