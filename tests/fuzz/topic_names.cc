// The input's lines are names; each is offered as a topic and as a filter.
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "frame/utf8.h"
#include "tests/fuzz/property.h"
#include "topics/filter_trie.h"
#include "topics/name.h"
#include "topics/topic_order.h"

namespace ringcast::fuzz {

namespace {

using namespace topics;

constexpr std::size_t kLinesMax = 64;  // each pair of lines is compared

std::vector<std::string_view> lines(Bytes input) {
  std::vector<std::string_view> found;
  std::string_view rest = frame::as_text(input);
  while (!rest.empty() && found.size() < kLinesMax) {
    const std::size_t end = rest.find('\n');
    found.push_back(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return found;
}

void check_validation(std::string_view name) {
  const bool topic = validate_topic(name).has_value();
  const bool filter = validate_filter(name).has_value();
  require(filter || !topic);
  if (!filter) return;
  require(topic == !is_wildcard(name));
  require(!name.empty() && name.size() <= kNameSizeMax);
  require(frame::is_utf8(frame::as_bytes(name)));
  require(std::ranges::count(name, '/') < static_cast<std::ptrdiff_t>(kLevelsMax));
  require(std::ranges::none_of(name, [](char c) { return (static_cast<std::uint8_t>(c) & 0xe0) == 0 || c == 0x7f; }));
}

// What the trie and the walk find is what the reference matches.
void check_matching(const std::vector<std::string_view>& filters, const std::vector<std::string_view>& names) {
  FilterTrie<bool> trie(HashKey{});
  for (const std::string_view filter : filters) trie.insert(filter);
  TopicOrder order;
  for (std::uint32_t i = 0; i < names.size(); ++i) order.insert(names[i], i);
  for (const std::string_view name : names) {
    std::size_t found = 0;
    trie.match(name, [&](bool&) { ++found; });
    require(found == static_cast<std::size_t>(std::ranges::count_if(
                         filters, [&](std::string_view filter) { return matches(filter, name); })));
  }
  for (const std::string_view filter : filters) {
    std::size_t found = 0;
    WalkEnd end;
    do {  // in the smallest steps there are
      end = order.walk(filter, end.after, 1, [&](std::uint32_t index) {
        require(matches(filter, names[index]));
        ++found;
        return Visit::go_on;
      });
    } while (!end.done);
    require(found == static_cast<std::size_t>(
                         std::ranges::count_if(names, [&](std::string_view name) { return matches(filter, name); })));
  }
  trie.check_invariants();
  for (const std::string_view filter : filters) require(trie.erase(filter));
  require(trie.nodes() == 1);
}

}  // namespace

void check_topic_names(Bytes input) {
  std::vector<std::string_view> names = lines(input);
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  for (const std::string_view name : names) check_validation(name);
  std::vector<std::string_view> filters = names;
  std::erase_if(filters, [](std::string_view name) { return !validate_filter(name); });
  std::erase_if(names, [](std::string_view name) { return !validate_topic(name); });
  check_matching(filters, names);
}

}  // namespace ringcast::fuzz
