// Base64url: RFC 4648 §5, without padding: how resume tokens and JSON Web Tokens carry bytes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::broker {

void append_base64url(std::span<const std::uint8_t> bytes, std::string& text);

// Nothing if a character is none of the alphabet, is left over, or has bits that no byte has: so there is one text for
// the same bytes.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text);

}  // namespace ringcast::broker
