// Random: what the property tests draw from, all of it from one printed seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace ringcast::topics::test {

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}

  // 0 <= below(n) < n
  std::uint32_t below(std::size_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  bool percent(std::uint32_t chance) { return below(100) < chance; }
  std::uint64_t word() { return (std::uint64_t{below(1ULL << 32)} << 32) | below(1ULL << 32); }

  template <typename T>
  const T& of(const std::vector<T>& values) {
    return values[below(values.size())];
  }

  // A topic of 1 to 4 levels out of few words, so that filters meet; empty levels, `$` and prefixes of words included.
  std::string topic() {
    std::string name = percent(10) ? "$a" : level();
    for (std::uint32_t more = below(4); more > 0; --more) append(name, level());
    return name.empty() ? "a" : name;
  }

  // A filter over the same words; some hold wildcards.
  std::string filter() {
    if (percent(3)) return "#";
    std::string name = percent(10) ? "$a" : filter_level();
    for (std::uint32_t more = below(4); more > 0 && name != "#"; --more) append(name, filter_level());
    if (percent(20) && name != "#") name += "/#";
    return name.empty() ? "+" : name;
  }

 private:
  // Not `name += "/" + level`: g++ 12 at -O3 warns of an overlap that cannot be (its bug 105651).
  static void append(std::string& name, const std::string& level) {
    name += '/';
    name += level;
  }
  std::string level() {
    static const std::vector<std::string> kWords{"", "a", "b", "c", "aa", "a b", "\xc3\xa9", "ab", "!", "$a"};
    return kWords[below(percent(70) ? 4 : kWords.size())];
  }
  std::string filter_level() { return percent(30) ? "+" : level(); }

  std::mt19937 engine_;
};

}  // namespace ringcast::topics::test
