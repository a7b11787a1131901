// Random: what simulations and property tests draw from. All of it follows from one printed seed.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringcast::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // SplitMix64 (Steele, Lea, Flood): small, fast, and every seed is as good as any other.
  std::uint64_t word() noexcept {
    std::uint64_t z = (state_ += 0x9e37'79b9'7f4a'7c15U);
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9U;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11ebU;
    return z ^ (z >> 31);
  }

  // 0 <= below(n) < n. Requires: n > 0.
  std::size_t below(std::size_t n) noexcept {
    assert(n > 0);
    return static_cast<std::size_t>(word() % n);
  }
  // first <= between(first, last) <= last
  std::size_t between(std::size_t first, std::size_t last) noexcept { return first + below(last - first + 1); }
  // True in `chance` of a thousand.
  bool permille(std::size_t chance) noexcept { return below(1000) < chance; }
  bool percent(std::size_t chance) noexcept { return permille(chance * 10); }

  template <typename T>
  const T& of(const std::vector<T>& values) noexcept {
    return values[below(values.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace ringcast::sim
