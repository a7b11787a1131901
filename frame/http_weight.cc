#include "frame/http_weight.h"

#include <algorithm>
#include <cstddef>

namespace ringcast::frame {

std::optional<int> read_weight(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = (text[0] - '0') * kWeightMax;
  int unit = kWeightMax / 10;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return std::nullopt;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return weight <= kWeightMax ? std::optional(weight) : std::nullopt;
}

}  // namespace ringcast::frame
