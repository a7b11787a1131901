// Checkpoint: up to where a subscriber has everything, and the token that says so to whoever brings it back. Pure.
//
// A token is the server's alone: clients keep it and bring it back, they neither read nor make one. What is brought
// back is untrusted all the same. It is base64url (RFC 4648 §5, without padding) of
//   version, 1 byte | epoch, 8 bytes | for each origin, rising: its number, 1 byte | position, LEB128 without spare
//   bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "topics/shard_set.h"

namespace ringcast::broker {

struct OriginPosition {
  std::uint32_t origin = 0;    // a home shard
  std::uint64_t position = 0;  // of its last message that was delivered, or was not the subscriber's

  friend bool operator==(const OriginPosition&, const OriginPosition&) = default;
};

struct Checkpoint {
  std::uint64_t epoch = 0;
  std::vector<OriginPosition> positions;  // by origin, each once; of the homes that can have topics of the filter

  // Nothing if the origin is not among them.
  [[nodiscard]] std::optional<std::uint64_t> position_of(std::uint32_t origin) const noexcept;

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// Positions end here: so many messages no home ever counts, and sums of them do not overflow.
inline constexpr std::uint64_t kPositionMax = (std::uint64_t{1} << 63U) - 1;

// The longest token, in bytes and in characters: every origin with a position of 9 bytes.
inline constexpr std::size_t kTokenBytesMax = 1 + 8 + topics::kShardsMax * (1 + 9);
inline constexpr std::size_t kResumeTokenSizeMax = (kTokenBytesMax * 4 + 2) / 3;

// Appends the checkpoint's token. Requires: origins below kShardsMax, rising; positions up to kPositionMax.
void append_token(const Checkpoint& checkpoint, std::string& out);

// Nothing if `token` is not one that append_token() could have written.
[[nodiscard]] std::optional<Checkpoint> read_token(std::string_view token);

}  // namespace ringcast::broker
