#include "frame/close.h"

#include <algorithm>
#include <cassert>

#include "frame/utf8.h"

namespace ringcast::frame {

namespace {

constexpr std::size_t kCodeSize = 2;  // bytes

std::uint16_t code_of(Bytes body) noexcept {
  return static_cast<std::uint16_t>(body[0] << 8 | body[1]);
}

// The longest beginning of `reason` that fits and does not end inside a character.
std::string_view fitting(std::string_view reason) noexcept {
  if (reason.size() <= kCloseReasonSizeMax) return reason;
  std::size_t size = kCloseReasonSizeMax;
  while (size > 0 && (static_cast<unsigned char>(reason[size]) & 0xc0U) == 0x80) --size;
  return reason.substr(0, size);
}

}  // namespace

bool is_sendable_close_code(std::uint16_t code) noexcept {
  // 1004 is reserved; 1005, 1006 and 1015 only say that there was no code (§7.4.1).
  if (code >= 1000 && code <= 1003) return true;
  // 1007-1011 are the RFC's, 1012-1014 were registered with IANA later.
  if (code >= 1007 && code <= 1014) return true;
  // 3000-3999 are for libraries and applications that register, 4000-4999 private (§7.4.2).
  return code >= 3000 && code <= 4999;
}

std::expected<void, Error> check_close_prefix(Bytes begin) noexcept {
  if (begin.size() < kCodeSize) return {};
  if (!is_sendable_close_code(code_of(begin))) return std::unexpected(Error::close_code);
  if (!Utf8{}.feed(begin.subspan(kCodeSize))) return std::unexpected(Error::invalid_utf8);
  return {};
}

std::expected<Close, Error> decode_close(Bytes body) noexcept {
  if (body.empty()) return Close{};
  if (body.size() < kCodeSize) return std::unexpected(Error::close_size);
  if (!is_sendable_close_code(code_of(body))) return std::unexpected(Error::close_code);
  const Bytes reason = body.subspan(kCodeSize);
  if (!is_utf8(reason)) return std::unexpected(Error::invalid_utf8);
  return Close{.code = code_of(body), .reason = as_text(reason)};
}

std::size_t encode_close_frame(Close close, std::span<std::uint8_t, kCloseFrameSizeMax> out) noexcept {
  assert(close.code == kNoStatus || is_sendable_close_code(close.code));
  assert(close.code != kNoStatus || close.reason.empty());
  const std::string_view reason = fitting(close.reason);
  const std::size_t body_size = close.code == kNoStatus ? 0 : kCodeSize + reason.size();
  static_assert(kCloseFrameSizeMax >= kHeaderSizeMax);
  const std::size_t header_size =
      encode_header({.opcode = Opcode::close, .payload_size = body_size}, out.first<kHeaderSizeMax>());
  if (body_size == 0) return header_size;
  out[header_size] = static_cast<std::uint8_t>(close.code >> 8);
  out[header_size + 1] = static_cast<std::uint8_t>(close.code & 0xff);
  std::ranges::copy(as_bytes(reason), out.begin() + static_cast<std::ptrdiff_t>(header_size + kCodeSize));
  return header_size + body_size;
}

}  // namespace ringcast::frame
