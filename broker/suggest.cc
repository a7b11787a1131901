#include "broker/suggest.h"

#include <algorithm>
#include <vector>

namespace ringcast::broker {
namespace {

constexpr std::size_t kWordSizeMax = 64;  // bytes; our names are shorter, and the table below is quadratic

}  // namespace

std::size_t slips(std::string_view a, std::string_view b) {
  a = a.substr(0, kWordSizeMax);
  b = b.substr(0, kWordSizeMax);
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> table((a.size() + 1) * width);
  const auto cell = [&](std::size_t i, std::size_t j) -> std::size_t& { return table[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) cell(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cell(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t wrong = cell(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1);
      cell(i, j) = std::min({wrong, cell(i - 1, j) + 1, cell(i, j - 1) + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cell(i, j) = std::min(cell(i, j), cell(i - 2, j - 2) + 1);
    }
  }
  return cell(a.size(), b.size());
}

std::string suggestion(std::string_view word, std::span<const std::string> candidates) {
  const std::string* best = nullptr;
  std::size_t best_slips = 0;
  for (const std::string& candidate : candidates) {
    const bool begins = word.size() >= 3 && candidate.starts_with(word);
    const std::size_t count = begins ? 0 : slips(word, candidate);
    if (count > std::max<std::size_t>(1, candidate.size() / 3)) continue;
    if (best != nullptr && count >= best_slips) continue;
    best = &candidate;
    best_slips = count;
  }
  return best == nullptr ? "" : "; did you mean \"" + *best + "\"?";
}

}  // namespace ringcast::broker
