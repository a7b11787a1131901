#include "client/filter_table.h"

#include <algorithm>
#include <utility>

namespace ringcast::client {
namespace {

// The first level of a name and what follows its slash. `last`: there is none.
struct Cut {
  std::string_view level;
  std::string_view rest;
  bool last = false;
};

Cut cut(std::string_view name) noexcept {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {.level = name, .rest = {}, .last = true};
  return {.level = name.substr(0, slash), .rest = name.substr(slash + 1)};
}

void append(std::vector<std::uint64_t>& ids, const std::vector<std::uint64_t>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

}  // namespace

void FilterTable::add(std::string_view filter, std::uint64_t id) {
  Node* node = &root_;
  for (;;) {
    const Cut part = cut(filter);
    if (part.last && part.level == "#") {
      node->rest.push_back(id);
      return;
    }
    auto child = node->children.find(part.level);
    if (child == node->children.end()) {
      child = node->children.emplace(std::string(part.level), std::make_unique<Node>()).first;
    }
    node = child->second.get();
    if (part.last) break;
    filter = part.rest;
  }
  node->here.push_back(id);
}

void FilterTable::remove(std::string_view filter, std::uint64_t id) {
  remove(root_, filter, id);
}

// True when the node has become empty. As deep as the filter has levels, which the broker limits to 64.
bool FilterTable::remove(Node& node, std::string_view filter, std::uint64_t id) {
  const Cut part = cut(filter);
  if (part.last && part.level == "#") {
    std::erase(node.rest, id);
  } else if (const auto child = node.children.find(part.level); child != node.children.end()) {
    if (part.last) std::erase(child->second->here, id);
    Node& below = *child->second;
    const bool empty =
        part.last ? below.here.empty() && below.rest.empty() && below.children.empty() : remove(below, part.rest, id);
    if (empty) node.children.erase(child);
  }
  return node.here.empty() && node.rest.empty() && node.children.empty();
}

void FilterTable::match(std::string_view topic, std::vector<std::uint64_t>& ids) const {
  match(root_, topic, true, ids);
}

void FilterTable::match(const Node& node, std::string_view topic, bool first, std::vector<std::uint64_t>& ids) {
  const bool wild = !(first && topic.starts_with('$'));  // the broker's own topics
  if (wild) append(ids, node.rest);
  const Cut part = cut(topic);
  for (const std::string_view level : {part.level, std::string_view("+")}) {
    if (level == "+" && !wild) continue;
    const auto child = node.children.find(level);
    if (child == node.children.end()) continue;
    if (part.last) {
      append(ids, child->second->here);
      append(ids, child->second->rest);  // "a/#" matches "a"
    } else {
      match(*child->second, part.rest, false, ids);
    }
  }
}

bool has_wildcard(std::string_view filter) noexcept {
  for (;;) {
    const Cut part = cut(filter);
    if (part.level == "+" || part.level == "#") return true;
    if (part.last) return false;
    filter = part.rest;
  }
}

}  // namespace ringcast::client
