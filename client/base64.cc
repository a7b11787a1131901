#include "client/base64.h"

#include <cstdint>
#include <string_view>

namespace ringcast::client {

void append_base64(std::string& out, frame::Bytes bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (!bytes.empty()) {
    const std::size_t count = bytes.size() < 3 ? bytes.size() : 3;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < count ? bytes[i] : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += i <= count ? kAlphabet[bits >> (18 - 6 * i) & 0x3f] : '=';
    bytes = bytes.subspan(count);
  }
}

}  // namespace ringcast::client
