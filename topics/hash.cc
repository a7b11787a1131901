#include "topics/hash.h"

#include <bit>
#include <cstring>

namespace ringcast::topics {
namespace {

static_assert(std::endian::native == std::endian::little);  // SipHash reads little-endian words

struct State {
  std::uint64_t v0, v1, v2, v3;

  void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  void absorb(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

}  // namespace

std::uint64_t hash_name(HashKey key, std::string_view name) noexcept {
  State state{.v0 = key.k0 ^ 0x736f'6d65'7073'6575U,  // "somepseudorandomlygeneratedbytes", as published
              .v1 = key.k1 ^ 0x646f'7261'6e64'6f6dU,
              .v2 = key.k0 ^ 0x6c79'6765'6e65'7261U,
              .v3 = key.k1 ^ 0x7465'6462'7974'6573U};
  const char* in = name.data();
  std::size_t left = name.size();
  for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t), in += sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, in, sizeof word);
    state.absorb(word);
  }
  std::uint64_t tail = 0;
  if (left > 0) std::memcpy(&tail, in, left);
  state.absorb(tail | std::uint64_t{name.size()} << 56);
  state.v2 ^= 0xff;
  state.round();
  state.round();
  state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace ringcast::topics
