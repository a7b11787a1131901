// Base64: RFC 4648 §4, with padding: how JSON carries bytes.
#pragma once

#include <string>
#include <string_view>

#include "proto/request.h"

namespace ringcast::proto {

// Characters that `size` bytes take.
[[nodiscard]] constexpr std::size_t base64_size(std::size_t size) noexcept {
  return (size + 2) / 3 * 4;
}

// Writes base64_size(bytes.size()) characters to `out`.
void encode_base64(Bytes bytes, char* out) noexcept;

// Appends what `text` stands for. False, with a part appended, if it is not exactly an encoding: a character or a space
// too many, padding that is missing, bits set that no byte has.
[[nodiscard]] bool append_decoded_base64(std::string_view text, std::string& out);

}  // namespace ringcast::proto
