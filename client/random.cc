#include "client/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace ringcast::client {

frame::MaskKey Random::mask() {
  frame::MaskKey key;
  fill(key);
  return key;
}

frame::Nonce Random::nonce() {
  frame::Nonce nonce;
  fill(nonce);
  return nonce;
}

double Random::uniform() {
  std::array<std::uint8_t, 8> bytes;
  fill(bytes);
  std::uint64_t bits = 0;
  std::memcpy(&bits, bytes.data(), sizeof(bits));
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

void Random::fill(std::span<std::uint8_t> out) {
  assert(out.size() <= kPoolSize);
  if (kPoolSize - used_ < out.size()) {
    std::size_t filled = 0;
    while (filled < kPoolSize) {  // getrandom(2) may be interrupted, and blocks only at boot; it cannot fail otherwise
      const ssize_t count = ::getrandom(pool_.data() + filled, kPoolSize - filled, 0);
      if (count > 0) filled += static_cast<std::size_t>(count);
    }
    used_ = 0;
  }
  std::copy_n(pool_.begin() + static_cast<std::ptrdiff_t>(used_), out.size(), out.begin());
  used_ += out.size();
}

}  // namespace ringcast::client
