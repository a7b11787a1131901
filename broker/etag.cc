#include "broker/etag.h"

namespace ringcast::broker {

std::string etag(std::string_view epoch, std::uint64_t seq) {
  return "\"" + std::string(epoch) + "-" + std::to_string(seq) + "\"";
}

// The quotes are part of the tag, so one that only begins like it is not found.
bool matches_etag(std::string_view if_none_match, std::string_view tag) {
  return if_none_match == "*" || if_none_match.contains(tag);
}

}  // namespace ringcast::broker
