#include "broker/log_line.h"

#include "frame/utf8.h"

namespace ringcast::broker {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

bool is_utf8(std::string_view text) {
  return frame::is_utf8({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// The longest front of `text` that is not over the limit and does not cut a character.
std::string_view cut(std::string_view text) {
  if (text.size() <= kLogFactBytesMax) return text;
  std::size_t size = kLogFactBytesMax;
  while (size > kLogFactBytesMax - 3 && (static_cast<std::uint8_t>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

// Appends `text` with what is no plain character escaped as JSON does (RFC 8259 §7), for people too: \n, \u001b.
// Bytes that are not UTF-8 become the Latin-1 character of their number: legible, and never invalid.
void append_escaped(std::string& line, std::string_view text) {
  const std::string_view kept = cut(text);
  const bool valid = is_utf8(kept);
  char before = 0;
  for (const char c : kept) {
    const auto byte = static_cast<std::uint8_t>(c);
    // C2 80 to C2 9F are control characters too (C1), which some terminals obey.
    const bool c1 = before == '\xc2' && byte < 0xa0;
    before = valid ? c : '\0';
    if (c == '"' || c == '\\') {
      line += {'\\', c};
    } else if (c == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && (!valid || c1))) {
      if (valid && c1) line.pop_back();
      line += "\\u00";
      line += {kHexDigits[byte >> 4], kHexDigits[byte & 0x0f]};
    } else {
      line += c;
    }
  }
  if (kept.size() < text.size()) line += "…";
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte <= ' ' || byte == 0x7f || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  append_escaped(line, text);
  line += '"';
}

void append_value(std::string& line, const LogField& field, bool quoted) {
  if (field.is_number()) {
    line += std::to_string(field.number());
  } else if (quoted) {
    append_quoted(line, field.text());
  } else {
    append_escaped(line, field.text());
  }
}

}  // namespace

std::string log_line(LogFormat format, std::string_view text, std::span<const LogField> fields) {
  std::string line;
  switch (format) {
    case LogFormat::text:
      append_escaped(line, text);
      for (const LogField& field : fields) {
        line += ' ';
        line += field.name();
        line += '=';
        append_value(line, field, needs_quotes(field.text()));
      }
      return line;
    case LogFormat::json:
      line += "\"message\":";
      append_quoted(line, text);
      for (const LogField& field : fields) {
        line += ",\"";
        line += field.name();
        line += "\":";
        append_value(line, field, true);
      }
      return line;
  }
  return line;
}

}  // namespace ringcast::broker
