// Which shard keeps a new connection. Pure.
#pragma once

#include <cstdint>
#include <span>

namespace ringcast::io {

// The kernel's hash spreads connections like dice: with many all is well, with few a shard can have several and another
// none (research: 20 connections on 8 shards). `connections` are those of each shard; `self` has accepted one more.
// The emptiest shard keeps it when `self` has clearly more: by an eighth and kBalanceSlack, so that a few spread evenly
// too and many do not travel for nothing.
inline constexpr std::uint32_t kBalanceSlack = 4;  // connections

[[nodiscard]] constexpr std::uint32_t keeper(std::span<const std::uint32_t> connections, std::uint32_t self) noexcept {
  std::uint32_t emptiest = self;
  for (std::uint32_t i = 0; i < connections.size(); ++i) {
    if (connections[i] < connections[emptiest]) emptiest = i;
  }
  const std::uint32_t fewest = connections[emptiest];
  return connections[self] > fewest + fewest / 8 + kBalanceSlack ? emptiest : self;
}

}  // namespace ringcast::io
