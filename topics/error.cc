#include "topics/error.h"

#include <utility>

namespace ringcast::topics {

std::string_view describe(Error error) noexcept {
  switch (error) {
    case Error::empty:
      return "a topic or filter has at least one byte";
    case Error::too_long:
      return "a topic or filter has at most 1024 bytes";
    case Error::not_utf8:
      return "a topic or filter is UTF-8";
    case Error::control_character:
      return "a topic or filter holds no control characters (U+0000-U+001F, U+007F-U+009F)";
    case Error::too_many_levels:
      return "a topic or filter has at most 64 levels";
    case Error::dot_level:
      return "a level of a topic or filter is neither '.' nor '..'";
    case Error::wildcard_in_topic:
      return "a topic holds neither '+' nor '#'; only filters do";
    case Error::plus_not_alone:
      return "'+' stands alone in its level of a filter";
    case Error::hash_not_alone:
      return "'#' stands alone in its level of a filter";
    case Error::hash_not_last:
      return "'#' is the last level of a filter";
    case Error::too_many_topics:
      return "the broker has as many topics as its limit on topics allows";
    case Error::too_many_filters:
      return "the broker has as many distinct filters as its limit on filters allows";
  }
  std::unreachable();
}

}  // namespace ringcast::topics
