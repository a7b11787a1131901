#include "broker/etag.h"

#include <algorithm>

#include "frame/http_fields.h"

namespace ringcast::broker {

std::string etag(std::string_view epoch, std::uint64_t seq) {
  return "\"" + std::string(epoch) + "-" + std::to_string(seq) + "\"";
}

bool matches_etag(std::string_view list, std::string_view tag, Comparison comparison) {
  list = frame::trim_spaces(list);
  if (list == "*") return true;
  while (!list.empty()) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
    const bool weak = list.starts_with("W/");
    if (weak) list.remove_prefix(2);
    const std::size_t end = list.starts_with('"') ? list.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) return false;  // not a tag: who knows what follows means
    if (list.substr(0, end + 1) == tag && !(weak && comparison == Comparison::strong)) return true;
    list.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace ringcast::broker
