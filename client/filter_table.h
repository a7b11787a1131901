// FilterTable: which subscriptions a live message is for. The broker sends it once, and clients dispatch by filter.
//
// Filters as MQTT 5 section 4.7: "+" is one level, a last "#" the rest and the level before it; neither matches a topic
// that begins with "$" where it stands first. A tree by level, so that a thousand filters cost what one topic is long.
// Thread: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::client {

class FilterTable {
 public:
  // Requires that this id is not there under this filter yet.
  void add(std::string_view filter, std::uint64_t id);
  // Nothing happens if it is not there.
  void remove(std::string_view filter, std::uint64_t id);
  void clear() { root_ = Node{}; }

  // Appends the ids whose filter matches `topic`, each once, in no order that means anything.
  void match(std::string_view topic, std::vector<std::uint64_t>& ids) const;

 private:
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> children;  // by level, "+" among them
    std::vector<std::uint64_t> here;                                     // filters that end at this level
    std::vector<std::uint64_t> rest;                                     // filters that end with "#" below it
  };

  static bool remove(Node& node, std::string_view filter, std::uint64_t id);
  static void match(const Node& node, std::string_view topic, bool first, std::vector<std::uint64_t>& ids);

  Node root_;
};

// True if `filter` holds a level "+" or "#".
[[nodiscard]] bool has_wildcard(std::string_view filter) noexcept;

}  // namespace ringcast::client
