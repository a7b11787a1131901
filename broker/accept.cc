#include "broker/accept.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace ringcast::broker {

namespace {

constexpr int kQualityMax = 1000;  // q=1, in thousandths

struct Range {
  std::string_view type;  // "text/event-stream", "text/*"
  int quality = kQualityMax;
};

// "0.8" -> 800: up to three digits after the point, at most 1 (RFC 9110 §12.4.2).
std::optional<int> read_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[1] != '.')) return std::nullopt;
  if (text[0] != '0' && text[0] != '1') return std::nullopt;
  int quality = (text[0] - '0') * kQualityMax;
  int unit = kQualityMax / 10;
  for (const char c : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (c < '0' || c > '9') return std::nullopt;
    quality += (c - '0') * unit;
    unit /= 10;
  }
  if (quality > kQualityMax) return std::nullopt;
  return quality;
}

// Where the parameter that begins at the front of `text` ends: the next semicolon outside of a quoted string.
std::size_t parameter_end(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ';' && !quoted) {
      return i;
    }
  }
  return text.size();
}

// One element of the list; nothing if its weight is none.
std::optional<Range> read_range(std::string_view element) {
  std::size_t end = parameter_end(element);
  Range range{.type = frame::trim_spaces(element.substr(0, end))};
  while (end < element.size()) {
    element.remove_prefix(end + 1);
    end = parameter_end(element);
    const std::string_view parameter = frame::trim_spaces(element.substr(0, end));
    if (parameter.size() < 2 || (parameter[0] != 'q' && parameter[0] != 'Q') || parameter[1] != '=') continue;
    const auto quality = read_quality(parameter.substr(2));
    if (!quality) return std::nullopt;
    range.quality = *quality;
  }
  return range;
}

}  // namespace

bool wants_event_stream(const frame::Fields& fields) {
  int stream = 0;
  int other = 0;
  for (const std::string_view element : fields.list("Accept")) {
    const auto range = read_range(element);
    if (!range) continue;
    int& best = frame::equals_ignoring_case(range->type, "text/event-stream") ? stream : other;
    best = std::max(best, range->quality);
  }
  return stream > 0 && stream >= other;
}

}  // namespace ringcast::broker
