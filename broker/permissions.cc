#include "broker/permissions.h"

#include <algorithm>

#include "topics/containment.h"
#include "topics/name.h"

namespace ringcast::broker {

namespace {

bool is_one_level(std::string_view subject) {
  if (subject.empty() || subject == "." || subject == "..") return false;
  return subject.find_first_of("/+#") == std::string_view::npos && !topics::is_reserved(subject);
}

void put_subject(std::string& filter, std::string_view subject) {
  for (std::size_t at = filter.find(kSubjectMark); at != std::string::npos;
       at = filter.find(kSubjectMark, at + subject.size())) {
    filter.replace(at, kSubjectMark.size(), subject);
  }
}

}  // namespace

bool Permissions::may_publish(std::string_view topic) const noexcept {
  if (topics::is_reserved(topic)) return false;
  return std::ranges::any_of(publish, [&](const std::string& allowed) { return topics::matches(allowed, topic); });
}

bool Permissions::may_subscribe(std::string_view filter) const noexcept {
  return std::ranges::any_of(subscribe, [&](const std::string& allowed) { return topics::contains(allowed, filter); });
}

std::expected<std::vector<std::string>, std::string> filters_for(std::vector<std::string> filters,
                                                                 std::string_view subject) {
  if (filters.size() > kPermissionFiltersMax) {
    return std::unexpected("more than " + std::to_string(kPermissionFiltersMax) + " filters in one list");
  }
  for (std::string& filter : filters) {
    if (filter.contains(kSubjectMark)) {
      if (!is_one_level(subject)) return std::unexpected("%u stands for a subject that is not one level of a topic");
      put_subject(filter, subject);
    }
    if (const auto valid = topics::validate_filter(filter); !valid)
      return std::unexpected("a filter is not valid: " + std::string(topics::describe(valid.error())));
  }
  return filters;
}

}  // namespace ringcast::broker
