// HTTP weights: how much a client wants something, in the lists of Accept and Accept-Encoding (RFC 9110 §12.4.2).
#pragma once

#include <optional>
#include <string_view>

namespace ringcast::frame {

inline constexpr int kWeightMax = 1000;  // q=1: weights are in thousandths

// "0.8" -> 800: at most three digits after the point, at most 1. Nothing if it is not that.
[[nodiscard]] std::optional<int> read_weight(std::string_view text) noexcept;

}  // namespace ringcast::frame
