#include "perf/frame_reader.h"

#include <algorithm>

namespace ringcast::perf {
namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kClose = 0x8;
constexpr std::uint8_t kPing = 0x9;

// Payload size behind a header that is wholly there.
std::uint64_t payload_size(Bytes in, std::size_t header_size) noexcept {
  if (header_size == 2) return in[1];
  std::uint64_t size = 0;
  for (std::size_t i = 2; i < header_size; ++i) size = size << 8 | in[i];
  return size;
}

}  // namespace

FrameReader::Found FrameReader::read(Bytes& in) noexcept {
  using Kind = Found::Kind;
  for (;;) {
    if (open_) {
      const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, in.size()));
      in = in.subspan(taken);
      skip_ -= taken;
      if (skip_ > 0) return {};
      open_ = false;
      if (last_ && stamped_) return {.kind = Kind::message, .stamp = stamp_, .payload = {}};
      if (last_) return {.kind = Kind::unstamped, .stamp = {}, .payload = {}};
    }
    if (in.size() < 2) return {};
    if ((in[0] & kReserved) != 0 || (in[1] & kMasked) != 0) return {.kind = Kind::bad, .stamp = {}, .payload = {}};
    const std::size_t header_size = in[1] <= 125 ? 2 : in[1] == 126 ? 4 : 10;
    if (in.size() < header_size) return {};
    const std::uint64_t size = payload_size(in, header_size);
    const std::uint8_t opcode = in[0] & 0x0f;
    if (opcode >= kClose) {
      if (size > 125) return {.kind = Kind::bad, .stamp = {}, .payload = {}};
      if (in.size() < header_size + size) return {};
      const Bytes payload = in.subspan(header_size, static_cast<std::size_t>(size));
      in = in.subspan(header_size + payload.size());
      if (opcode == kPing) return {.kind = Kind::ping, .stamp = {}, .payload = payload};
      if (opcode == kClose) return {.kind = Kind::close, .stamp = {}, .payload = payload};
      continue;  // a pong
    }
    if (opcode != 0) {  // the first frame of a message begins with the stamp
      stamped_ = size >= kStampSize;
      if (in.size() < header_size + (stamped_ ? kStampSize : 0)) return {};
      if (stamped_) stamp_ = decode_stamp(in.data() + header_size);
    }
    last_ = (in[0] & kFin) != 0;
    open_ = true;
    skip_ = size;
    in = in.subspan(header_size);
  }
}

}  // namespace ringcast::perf
