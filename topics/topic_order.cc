#include "topics/topic_order.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace ringcast::topics {
namespace {

constexpr char kAfterBelow = '\x01';  // above `/`, the lowest byte in the order, and below every byte of a valid name

// `/` is the lowest.
constexpr unsigned rank(char c) noexcept {
  return c == '/' ? 0 : static_cast<unsigned char>(c);
}

bool is_wild(std::string_view level) noexcept {
  return level == "+" || level == "#";
}

// A name to search from, made of a piece of a topic, a piece of a filter and kAfterBelow.
class SearchKey {
 public:
  explicit SearchKey(std::string_view start) noexcept { append(start); }

  void append(std::string_view piece) noexcept {
    assert(size_ + piece.size() <= chars_.size());
    if (!piece.empty()) std::memcpy(chars_.data() + size_, piece.data(), piece.size());
    size_ += piece.size();
  }

  // Appends the levels of `rest` up to the first wildcard: the lowest name that goes on like this.
  void append_literals(std::string_view rest) noexcept {
    while (rest.data() != nullptr) {
      const std::string_view level = take_level(rest);
      if (level == "#") return;  // nothing need follow
      append("/");
      if (level == "+") return;  // the lowest level is the empty one
      append(level);
    }
  }

  [[nodiscard]] std::string_view view() const noexcept { return {chars_.data(), size_}; }

 private:
  std::array<char, 2 * kNameSizeMax + 2> chars_;
  std::size_t size_ = 0;
};

}  // namespace

bool TopicOrder::less(std::string_view a, std::string_view b) noexcept {
  const std::size_t common = std::min(a.size(), b.size());
  const auto [at, bt] = std::mismatch(a.begin(), a.begin() + common, b.begin());
  if (at == a.begin() + common) return a.size() < b.size();
  return rank(*at) < rank(*bt);
}

void TopicOrder::insert(std::string_view name, std::uint32_t index) {
  const bool inserted = entries_.insert({.name = name, .index = index}).second;
  assert(inserted);
}

void TopicOrder::erase(std::string_view name) noexcept {
  const auto at = entries_.find(name);
  assert(at != entries_.end());
  entries_.erase(at);
}

TopicOrder::Entries::const_iterator TopicOrder::first(std::string_view filter) const noexcept {
  std::string_view rest = filter;
  const std::string_view level = take_level(rest);
  if (is_wild(level)) return entries_.begin();
  SearchKey key(level);
  key.append_literals(rest);
  return entries_.lower_bound(key.view());
}

TopicOrder::Entries::const_iterator TopicOrder::next(std::string_view filter, std::string_view name) const noexcept {
  assert(name.size() <= kNameSizeMax);
  if (is_reserved(name) && is_wild(filter.substr(0, 1))) return entries_.lower_bound("%");  // the byte after `$`
  std::size_t plus_end = 0;  // in `name`: where the level under the last `+` ends
  bool plus_seen = false;
  std::string_view left = name;
  for (std::string_view rest = filter; rest.data() != nullptr;) {
    const std::string_view wanted = take_level(rest);
    if (wanted == "#") return entries_.upper_bound(name);
    if (left.data() == nullptr) {  // the filter goes deeper than `name`
      SearchKey key(name);
      key.append("/");
      if (wanted == "+") return entries_.lower_bound(key.view());
      key.append(wanted);
      key.append_literals(rest);
      return entries_.lower_bound(key.view());
    }
    const std::string_view level = take_level(left);
    const auto level_end = static_cast<std::size_t>(level.data() - name.data()) + level.size();
    if (wanted == "+") {
      plus_end = level_end;
      plus_seen = true;
      continue;
    }
    if (level < wanted) {
      SearchKey key(name.substr(0, level_end - level.size()));
      key.append(wanted);
      key.append_literals(rest);
      return entries_.lower_bound(key.view());
    }
    if (level > wanted) break;
  }
  // Nothing more matches below the level that stands for the last `+`: go on behind all that.
  if (!plus_seen) return entries_.end();
  SearchKey key(name.substr(0, plus_end));
  key.append({&kAfterBelow, 1});
  return entries_.lower_bound(key.view());
}

}  // namespace ringcast::topics
