#include "broker/checkpoint.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <span>

#include "broker/base64url.h"

namespace ringcast::broker {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kEpochBytes = 8;

// Takes numbers off the front of a token's bytes.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> in) : in_(in) {}

  [[nodiscard]] bool empty() const noexcept { return in_.empty(); }

  std::optional<std::uint8_t> byte() noexcept {
    if (in_.empty()) return std::nullopt;
    const std::uint8_t value = in_.front();
    in_ = in_.subspan(1);
    return value;
  }

  std::optional<std::uint64_t> fixed64() noexcept {
    if (in_.size() < kEpochBytes) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kEpochBytes; ++i) value = value << 8U | in_[i];
    in_ = in_.subspan(kEpochBytes);
    return value;
  }

  // At most 9 bytes, so 63 bits. The last one is not 0 unless it is the first: else it would be spare.
  std::optional<std::uint64_t> leb128() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
      const auto part = byte();
      if (!part) return std::nullopt;
      value |= static_cast<std::uint64_t>(*part & 0x7fU) << shift;
      if ((*part & 0x80U) != 0) continue;
      if (*part == 0 && shift > 0) return std::nullopt;
      return value;
    }
    return std::nullopt;
  }

 private:
  std::span<const std::uint8_t> in_;
};

}  // namespace

std::optional<std::uint64_t> Checkpoint::position_of(std::uint32_t origin) const noexcept {
  const auto found = std::ranges::find(positions, origin, &OriginPosition::origin);
  if (found == positions.end()) return std::nullopt;
  return found->position;
}

void append_token(const Checkpoint& checkpoint, std::string& out) {
  std::array<std::uint8_t, kTokenBytesMax> bytes{};
  std::size_t size = 0;
  const auto put = [&](std::uint64_t byte) { bytes[size++] = static_cast<std::uint8_t>(byte); };
  put(kVersion);
  for (std::size_t i = kEpochBytes; i > 0; --i) put(checkpoint.epoch >> (8 * (i - 1)));
  std::uint32_t next_origin = 0;
  for (const OriginPosition& of : checkpoint.positions) {
    assert(of.origin >= next_origin);
    assert(of.origin < topics::kShardsMax);
    assert(of.position <= kPositionMax);
    next_origin = of.origin + 1;
    put(of.origin);
    std::uint64_t rest = of.position;
    for (; rest > 0x7f; rest >>= 7U) put(rest | 0x80U);
    put(rest);
  }
  append_base64url(std::span(bytes).first(size), out);
}

std::optional<Checkpoint> read_token(std::string_view token) {
  if (token.size() > kResumeTokenSizeMax) return std::nullopt;
  const auto bytes = from_base64url(token);
  if (!bytes) return std::nullopt;
  Reader reader(*bytes);
  if (reader.byte() != kVersion) return std::nullopt;
  const auto epoch = reader.fixed64();
  if (!epoch) return std::nullopt;
  Checkpoint checkpoint{.epoch = *epoch, .positions = {}};
  std::uint32_t next_origin = 0;
  while (!reader.empty()) {
    const auto origin = reader.byte();
    const auto position = reader.leb128();
    if (!origin || !position) return std::nullopt;
    if (*origin < next_origin || *origin >= topics::kShardsMax) return std::nullopt;
    next_origin = *origin + 1U;
    checkpoint.positions.push_back({.origin = *origin, .position = *position});
  }
  return checkpoint;
}

}  // namespace ringcast::broker
