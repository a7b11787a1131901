#include "client/topic_memory.h"

#include <algorithm>
#include <utility>

namespace ringcast::client {

bool TopicMemory::has(std::string_view topic, std::uint64_t seq) const {
  if (const auto found = young_.find(topic); found != young_.end()) return seq <= found->second;
  const auto found = old_.find(topic);
  return found != old_.end() && seq <= found->second;
}

void TopicMemory::note(std::string_view topic, std::uint64_t seq) {
  if (const auto found = young_.find(topic); found != young_.end()) {
    found->second = std::max(found->second, seq);
    return;
  }
  if (young_.size() == kTopicsMax) {
    old_ = std::move(young_);
    young_.clear();
  }
  const auto before = old_.find(topic);
  young_.emplace(topic, before == old_.end() ? seq : std::max(before->second, seq));
}

void TopicMemory::clear() {
  young_.clear();
  old_.clear();
}

}  // namespace ringcast::client
