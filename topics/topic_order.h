// TopicOrder: the topics of a home in one fixed order, walked by filter with a cursor that is just a name.
//
// Order:   level by level, bytewise: as if `/` were the lowest byte. So what lies below a level is one range.
// Walk:    where a topic does not match, the next one that can is found by search, over what cannot: `a/#` touches
//          what is below `a` and one more, `+/x` at most two topics per first level. A search is O(log topics).
// Cursor:  a name. Where a walk stopped, the next call goes on after that name, whether or not that topic still
//          exists, so nothing has to be kept or cleaned up between two calls. Topics made or forgotten meanwhile are
//          seen or not; one that stays is visited exactly once.
#pragma once

#include <cstdint>
#include <set>
#include <string_view>

#include "topics/name.h"

namespace ringcast::topics {

// What a visitor wants next.
enum class Visit : std::uint8_t {
  go_on,
  stop,    // took this one, enough for now
  refuse,  // could not take this one (no room): the next call begins with it
};

// Where a walk ended. `after` is empty when nothing was visited yet, and borrowed from the topics or the caller's
// cursor: copy it before topics are made or forgotten.
struct WalkEnd {
  bool done = false;         // no topic after `after` matches
  std::string_view after;    // the cursor for the next call
  std::uint32_t visits = 0;  // topics touched
};

class TopicOrder {
 public:
  // Requires: `name` is valid, not in, and stays where it is until erase().
  void insert(std::string_view name, std::uint32_t index);
  void erase(std::string_view name) noexcept;

  // Calls visit(index) -> Visit for each topic after the cursor `after` (empty: from the start) that matches the valid
  // filter, in order, until the visitor stops or `visits_max` topics were touched. The visitor must not insert or
  // erase. Requires: visits_max > 0.
  template <typename Visitor>
  WalkEnd walk(std::string_view filter, std::string_view after, std::uint32_t visits_max, Visitor&& visit) const;

  // Whether `a` comes before `b`. The empty text comes before every name.
  [[nodiscard]] static bool less(std::string_view a, std::string_view b) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string_view name;
    std::uint32_t index;
  };
  struct Less {
    using is_transparent = void;
    bool operator()(const Entry& a, const Entry& b) const noexcept { return less(a.name, b.name); }
    bool operator()(const Entry& a, std::string_view b) const noexcept { return less(a.name, b); }
    bool operator()(std::string_view a, const Entry& b) const noexcept { return less(a, b.name); }
  };
  using Entries = std::set<Entry, Less>;

  // The first entry after `name` in the order that can match `filter`: by search, not by steps.
  [[nodiscard]] Entries::const_iterator next(std::string_view filter, std::string_view name) const noexcept;
  [[nodiscard]] Entries::const_iterator first(std::string_view filter) const noexcept;

  Entries entries_;
};

template <typename Visitor>
WalkEnd TopicOrder::walk(std::string_view filter, std::string_view after, std::uint32_t visits_max,
                         Visitor&& visit) const {
  auto at = after.empty() ? first(filter) : next(filter, after);
  std::uint32_t visits = 0;
  for (; at != entries_.end(); ++visits) {
    if (visits == visits_max) return {.done = false, .after = after, .visits = visits};
    if (!matches(filter, at->name)) {
      after = at->name;
      at = next(filter, after);
      continue;
    }
    const Visit wish = visit(at->index);
    if (wish == Visit::refuse) return {.done = false, .after = after, .visits = visits + 1};
    after = at->name;
    if (wish == Visit::stop) return {.done = false, .after = after, .visits = visits + 1};
    ++at;  // what follows a match often matches too: a step costs less than a search
  }
  return {.done = true, .after = after, .visits = visits};
}

}  // namespace ringcast::topics
