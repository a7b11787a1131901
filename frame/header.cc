#include "frame/header.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace ringcast::frame {

namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kRsv1 = 0x40;
constexpr std::uint8_t kRsv23 = 0x30;
constexpr std::uint8_t kOpcode = 0x0f;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength = 0x7f;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;

// The integer at `at`, big-endian as on the wire.
template <typename Integer>
Integer load(const std::uint8_t* at) noexcept {
  static_assert(std::endian::native == std::endian::little);
  Integer value;
  std::memcpy(&value, at, sizeof value);
  return std::byteswap(value);
}

template <typename Integer>
void store(Integer value, std::uint8_t* at) noexcept {
  static_assert(std::endian::native == std::endian::little);
  value = std::byteswap(value);
  std::memcpy(at, &value, sizeof value);
}

constexpr bool is_reserved(unsigned opcode) noexcept {
  return (opcode & 0x7U) > 2;
}

constexpr std::size_t length_size(std::uint8_t length) noexcept {
  return length < kLength16 ? 0 : length == kLength16 ? 2 : 8;
}

// Sets payload_size from the 7, 16 or 64 bits that hold it (§5.2).
std::expected<void, Error> decode_length(const std::uint8_t* at, std::uint8_t length, Header& header) noexcept {
  if (length < kLength16) {
    header.payload_size = length;
    return {};
  }
  header.payload_size = length == kLength16 ? load<std::uint16_t>(at) : load<std::uint64_t>(at);
  if ((header.payload_size >> 63) != 0) return std::unexpected(Error::length_overflow);
  const std::uint64_t smallest = length == kLength16 ? kLength16 : 0x10000;
  if (header.payload_size < smallest) return std::unexpected(Error::length_not_minimal);
  return {};
}

}  // namespace

std::expected<Header, Error> decode_header(Bytes in) noexcept {
  if (in.empty()) return std::unexpected(Error::truncated);
  if ((in[0] & kRsv23) != 0) return std::unexpected(Error::reserved_bits);
  if (is_reserved(in[0] & kOpcode)) return std::unexpected(Error::reserved_opcode);
  Header header{.opcode = Opcode{static_cast<std::uint8_t>(in[0] & kOpcode)},
                .fin = (in[0] & kFin) != 0,
                .rsv1 = (in[0] & kRsv1) != 0};
  const bool control = is_control(header.opcode);
  if (control && !header.fin) return std::unexpected(Error::control_fragmented);

  if (in.size() < 2) return std::unexpected(Error::truncated);
  const std::uint8_t length = in[1] & kLength;
  if (control && length > kControlPayloadSizeMax) return std::unexpected(Error::control_too_long);
  header.masked = (in[1] & kMasked) != 0;

  const std::size_t mask_at = 2 + length_size(length);
  if (in.size() < mask_at) return std::unexpected(Error::truncated);
  if (const auto decoded = decode_length(in.data() + 2, length, header); !decoded) {
    return std::unexpected(decoded.error());
  }

  header.size = static_cast<std::uint8_t>(mask_at + (header.masked ? header.mask.size() : 0));
  if (in.size() < header.size) return std::unexpected(Error::truncated);
  if (header.masked) std::copy_n(in.data() + mask_at, header.mask.size(), header.mask.data());
  return header;
}

std::size_t encode_header(const Header& header, std::span<std::uint8_t, kHeaderSizeMax> out) noexcept {
  assert(header.payload_size >> 63 == 0);
  assert(!is_control(header.opcode) || (header.fin && header.payload_size <= kControlPayloadSizeMax));
  out[0] = static_cast<std::uint8_t>((header.fin ? kFin : 0U) | (header.rsv1 ? kRsv1 : 0U) |
                                     static_cast<unsigned>(header.opcode));
  const std::size_t size = server_header_size(header.payload_size);
  std::uint8_t length = 0;
  if (size == 2) {
    length = static_cast<std::uint8_t>(header.payload_size);
  } else if (size == 4) {
    length = kLength16;
    store(static_cast<std::uint16_t>(header.payload_size), &out[2]);
  } else {
    length = kLength64;
    store(header.payload_size, &out[2]);
  }
  out[1] = static_cast<std::uint8_t>((header.masked ? kMasked : 0U) | length);
  if (!header.masked) return size;
  std::ranges::copy(header.mask, out.begin() + static_cast<std::ptrdiff_t>(size));
  return size + header.mask.size();
}

}  // namespace ringcast::frame
