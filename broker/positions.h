// Positions: how far this shard has come with what each home sends it.
//
// A token may say of an origin only what settled() does: whoever subscribes here was given everything up to there, or
// owes it.
// Thread: one shard's. Hot path: saw() once per delivery.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ringcast::broker {

class Positions {
 public:
  explicit Positions(std::uint32_t origins) : seen_(origins), settled_(origins) {}

  // What `origin` sent up to this position was drained.
  void saw(std::uint32_t origin, std::uint64_t position) noexcept { seen_[origin] = position; }
  // All that was drained is fanned out.
  void settle() noexcept { settled_ = seen_; }

  [[nodiscard]] std::span<const std::uint64_t> settled() const noexcept { return settled_; }

 private:
  std::vector<std::uint64_t> seen_;     // by origin
  std::vector<std::uint64_t> settled_;  // by origin
};

}  // namespace ringcast::broker
