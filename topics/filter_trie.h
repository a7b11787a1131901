// FilterTrie: a T for each of many filters, and all T whose filter matches a topic.
//
// Shape:   one node per prefix of levels. `+` and `#` below a node are two indices in it; literal levels below it are
//          found in one hash table of all edges, keyed by (node, level): a node costs the same with one child or a
//          million.
// match(): visits each node at most once, at most two per level and branch, iteratively, on a stack of kLevelsMax
//          entries. Costs the prefixes that match the topic, not the number of filters. Never allocates.
// Values:  a T& stays valid until its filter is erased.
#pragma once

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "topics/hash.h"
#include "topics/index_table.h"
#include "topics/name.h"
#include "topics/slab.h"

namespace ringcast::topics {

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
class FilterTrie {
 public:
  struct Inserted {
    T& value;
    bool fresh;  // the filter was not in before: value == T{}
  };

  explicit FilterTrie(HashKey key);

  // The value of the valid filter, made if need be.
  Inserted insert(std::string_view filter);

  // Null if the filter is not in.
  [[nodiscard]] T* find(std::string_view filter) noexcept;
  [[nodiscard]] const T* find(std::string_view filter) const noexcept;

  // Whether the filter was in.
  bool erase(std::string_view filter);

  // Calls visit(T&) for each filter that matches the valid topic, in no particular order.
  // The visitor must not insert or erase.
  template <typename Visitor>
  void match(std::string_view topic, Visitor&& visit);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }           // filters
  [[nodiscard]] std::size_t nodes() const noexcept { return nodes_.size(); }  // the root included
  void check_invariants() const;

 private:
  static constexpr std::uint32_t kNone = Slab<int>::kNone;
  static constexpr std::uint32_t kRoot = 0;

  struct Node {
    std::string level;       // of a literal node
    std::uint64_t edge = 0;  // hash of (parent, level) of a literal node
    std::uint32_t parent = kNone;
    std::uint32_t plus = kNone;  // the child `+`
    std::uint32_t hash = kNone;  // the child `#`
    std::uint32_t literals = 0;  // number of literal children
    bool used = false;
    bool has_value = false;
    T value{};
  };

  // Where match() still has to go.
  struct Branch {
    std::uint32_t node;
    std::uint32_t depth;  // levels above `rest`
    std::string_view rest;
  };

  [[nodiscard]] static std::uint64_t edge_hash(std::uint32_t parent, std::uint64_t level_hash) noexcept;
  [[nodiscard]] std::uint32_t literal_child(std::uint32_t parent, std::string_view level, std::uint64_t edge) const;
  [[nodiscard]] std::uint32_t child(std::uint32_t parent, std::string_view level) const;
  [[nodiscard]] std::uint32_t lookup(std::string_view filter) const;
  std::uint32_t make_child(std::uint32_t parent, std::string_view level);
  void unlink(std::uint32_t index);
  template <typename Visitor>
  void visit_value(std::uint32_t index, Visitor& visit);

  HashKey key_;
  Slab<Node> nodes_;
  IndexTable edges_;
  std::size_t size_ = 0;
};

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
FilterTrie<T>::FilterTrie(HashKey key) : key_(key) {
  const std::uint32_t root = nodes_.take();
  assert(root == kRoot);
  nodes_[root].used = true;
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
std::uint64_t FilterTrie<T>::edge_hash(std::uint32_t parent, std::uint64_t level_hash) noexcept {
  // The level's hash is keyed, so an unkeyed mix with the parent stays unpredictable. The constant is 2^64 / golden
  // ratio.
  const std::uint64_t mixed = (level_hash ^ parent) * 0x9e37'79b9'7f4a'7c15U;
  return mixed ^ (mixed >> 32);
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
std::uint32_t FilterTrie<T>::literal_child(std::uint32_t parent, std::string_view level, std::uint64_t edge) const {
  return edges_.find(edge, [&](std::uint32_t index) {
    const Node& node = nodes_[index];
    return node.parent == parent && node.level == level;
  });
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
std::uint32_t FilterTrie<T>::child(std::uint32_t parent, std::string_view level) const {
  if (level == "+") return nodes_[parent].plus;
  if (level == "#") return nodes_[parent].hash;
  return literal_child(parent, level, edge_hash(parent, hash_name(key_, level)));
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
std::uint32_t FilterTrie<T>::lookup(std::string_view filter) const {
  std::uint32_t at = kRoot;
  for (std::string_view rest = filter; rest.data() != nullptr && at != kNone;) at = child(at, take_level(rest));
  return at;
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
std::uint32_t FilterTrie<T>::make_child(std::uint32_t parent, std::string_view level) {
  const std::uint32_t index = nodes_.take();
  Node& node = nodes_[index];
  node.used = true;
  node.parent = parent;
  node.level = level;
  Node& above = nodes_[parent];
  if (level == "+") {
    above.plus = index;
  } else if (level == "#") {
    above.hash = index;
  } else {
    node.edge = edge_hash(parent, hash_name(key_, level));
    edges_.insert(node.edge, index);
    ++above.literals;
  }
  return index;
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
auto FilterTrie<T>::insert(std::string_view filter) -> Inserted {
  std::uint32_t at = kRoot;
  for (std::string_view rest = filter; rest.data() != nullptr;) {
    const std::string_view level = take_level(rest);
    const std::uint32_t below = child(at, level);
    at = below != kNone ? below : make_child(at, level);
  }
  Node& node = nodes_[at];
  const bool fresh = !node.has_value;
  node.has_value = true;
  if (fresh) ++size_;
  return {.value = node.value, .fresh = fresh};
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
T* FilterTrie<T>::find(std::string_view filter) noexcept {
  const std::uint32_t at = lookup(filter);
  return at != kNone && nodes_[at].has_value ? &nodes_[at].value : nullptr;
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
const T* FilterTrie<T>::find(std::string_view filter) const noexcept {
  const std::uint32_t at = lookup(filter);
  return at != kNone && nodes_[at].has_value ? &nodes_[at].value : nullptr;
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
bool FilterTrie<T>::erase(std::string_view filter) {
  std::uint32_t at = lookup(filter);
  if (at == kNone || !nodes_[at].has_value) return false;
  nodes_[at].has_value = false;
  nodes_[at].value = T{};
  --size_;
  while (at != kRoot) {  // nodes that lead nowhere now
    const Node& node = nodes_[at];
    if (node.has_value || node.literals > 0 || node.plus != kNone || node.hash != kNone) break;
    const std::uint32_t parent = node.parent;
    unlink(at);
    at = parent;
  }
  return true;
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
void FilterTrie<T>::unlink(std::uint32_t index) {
  Node& node = nodes_[index];
  Node& above = nodes_[node.parent];
  if (above.plus == index) {
    above.plus = kNone;
  } else if (above.hash == index) {
    above.hash = kNone;
  } else {
    edges_.erase(node.edge, index);
    --above.literals;
  }
  node = Node{};
  nodes_.give_back(index);
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
template <typename Visitor>
void FilterTrie<T>::visit_value(std::uint32_t index, Visitor& visit) {
  if (index != kNone && nodes_[index].has_value) visit(nodes_[index].value);
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
template <typename Visitor>
void FilterTrie<T>::match(std::string_view topic, Visitor&& visit) {
  if (size_ == 0) return;
  std::array<std::uint64_t, kLevelsMax> hashes;  // of the topic's levels, each made when first needed:
  std::uint64_t hashed = 0;                      // bit i: hashes[i] is made
  static_assert(kLevelsMax <= 64);
  std::array<Branch, kLevelsMax + 1> stack;  // at most one waiting branch per level, and the one to go on with
  std::size_t height = 0;
  stack[height++] = {.node = kRoot, .depth = 0, .rest = topic};
  while (height > 0) {
    Branch at = stack[--height];
    const Node& node = nodes_[at.node];
    const bool wild = at.depth > 0 || !is_reserved(topic);  // MQTT 5 §4.7.2
    if (wild) visit_value(node.hash, visit);
    if (at.rest.data() == nullptr) {
      visit_value(at.node, visit);
      continue;
    }
    const std::string_view level = take_level(at.rest);
    if (wild && node.plus != kNone) stack[height++] = {.node = node.plus, .depth = at.depth + 1, .rest = at.rest};
    if (node.literals == 0) continue;
    const std::uint64_t depth_bit = std::uint64_t{1} << at.depth;
    if ((hashed & depth_bit) == 0) hashes[at.depth] = hash_name(key_, level);
    hashed |= depth_bit;
    const std::uint32_t below = literal_child(at.node, level, edge_hash(at.node, hashes[at.depth]));
    if (below != kNone) stack[height++] = {.node = below, .depth = at.depth + 1, .rest = at.rest};
  }
}

template <typename T>
  requires std::default_initializable<T> && std::movable<T>
void FilterTrie<T>::check_invariants() const {
  std::size_t values = 0;
  std::size_t used = 0;
  std::size_t literals = 0;
  for (std::uint32_t index = 0; index < nodes_.end(); ++index) {
    const Node& node = nodes_[index];
    if (!node.used) continue;
    ++used;
    if (node.has_value) ++values;
    literals += node.literals;
    if (index == kRoot) continue;
    assert(node.has_value || node.literals > 0 || node.plus != kNone || node.hash != kNone);
    assert(child(node.parent, nodes_[node.parent].plus == index   ? std::string_view{"+"}
                              : nodes_[node.parent].hash == index ? std::string_view{"#"}
                                                                  : std::string_view{node.level}) == index);
  }
  assert(values == size_);
  assert(used == nodes_.size());
  assert(literals == edges_.size());
  edges_.check_invariants();
}

}  // namespace ringcast::topics
