// TopicMemory: the last seq of each topic that a program was told, so that it is not told the same again.
//
// Bounded: two generations of topics, of which the older is forgotten when the younger is full. What was forgotten may
// be told twice. Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace ringcast::client {

class TopicMemory {
 public:
  static constexpr std::size_t kTopicsMax = 100'000;  // of each generation: some 10 MiB

  // True if `seq` of the topic, or a later one, was noted.
  [[nodiscard]] bool has(std::string_view topic, std::uint64_t seq) const;
  void note(std::string_view topic, std::uint64_t seq);
  void clear();
  [[nodiscard]] bool empty() const noexcept { return young_.empty() && old_.empty(); }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Topics = std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>>;

  Topics young_;
  Topics old_;
};

}  // namespace ringcast::client
