// The rows of the option table. Whoever wants options asks option_table() (broker/option.h) for all of them.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "broker/option.h"

namespace ringcast::broker {

inline constexpr std::uint64_t kSecondMs = 1'000;
inline constexpr std::uint64_t kHourMs = 3'600 * kSecondMs;

// For Option::commands.
inline constexpr std::uint16_t kServe = std::to_underlying(Command::serve);

[[nodiscard]] std::span<const Option> serve_options();
[[nodiscard]] std::span<const Option> connection_options();
[[nodiscard]] std::span<const Option> message_options();
[[nodiscard]] std::span<const Option> log_options();
[[nodiscard]] std::span<const Option> auth_options();
[[nodiscard]] std::span<const Option> limit_options();
[[nodiscard]] std::span<const Option> client_options();

}  // namespace ringcast::broker
