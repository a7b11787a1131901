// Permissions: which topics an identity may publish to, and which filters it may subscribe to. Pure; never changes.
//
// What nothing allows is denied. A filter may be subscribed to only where one allowed filter contains it whole: `a/+`
// does not allow `#`, of which `a/+` is a part. The broker's own topics (`$…`) are subscribed to by who has a filter
// that names them, and published to by nobody.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::broker {

struct Permissions {
  std::vector<std::string> publish;    // valid filters
  std::vector<std::string> subscribe;  // valid filters

  // `topic` and `filter` are valid.
  [[nodiscard]] bool may_publish(std::string_view topic) const noexcept;
  [[nodiscard]] bool may_subscribe(std::string_view filter) const noexcept;

  // Nothing is allowed at all.
  [[nodiscard]] bool empty() const noexcept { return publish.empty() && subscribe.empty(); }

  friend bool operator==(const Permissions&, const Permissions&) = default;
};

inline constexpr std::size_t kPermissionFiltersMax = 64;  // of each list: each is tried at each subscribe
inline constexpr std::string_view kSubjectMark = "%u";    // in a filter: stands for the subject

// Puts the subject where `filters` say `%u`. Fails with a sentence if one is then no valid filter, or if there are more
// than kPermissionFiltersMax; and if the subject could mean more than one level there (`a/#`), or none (`..`), or the
// broker's topics.
[[nodiscard]] std::expected<std::vector<std::string>, std::string> filters_for(std::vector<std::string> filters,
                                                                               std::string_view subject);

}  // namespace ringcast::broker
