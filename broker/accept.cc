#include "broker/accept.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "frame/http_weight.h"

namespace ringcast::broker {

namespace {

struct MediaRange {
  std::string_view type;  // "text/event-stream", "text/*"
  int weight = frame::kWeightMax;
};

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
std::optional<MediaRange> read_range(std::string_view element) {
  std::size_t end = parameter_end(element);
  MediaRange range{.type = frame::trim_spaces(element.substr(0, end))};
  while (end < element.size()) {
    element.remove_prefix(end + 1);
    end = parameter_end(element);
    const std::string_view parameter = frame::trim_spaces(element.substr(0, end));
    if (parameter.size() < 2 || (parameter[0] != 'q' && parameter[0] != 'Q') || parameter[1] != '=') continue;
    const auto weight = frame::read_weight(parameter.substr(2));
    if (!weight) return std::nullopt;
    range.weight = *weight;
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
    best = std::max(best, range->weight);
  }
  return stream > 0 && stream >= other;
}

}  // namespace ringcast::broker
