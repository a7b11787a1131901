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
      const Bytes whole = taken == whole_size_ ? in.first(taken) : Bytes{};
      whole_size_ = 0;
      in = in.subspan(taken);
      skip_ -= taken;
      if (skip_ > 0) return {};
      open_ = false;
      if (last_) return {.kind = kind_, .stamp = stamp_, .payload = whole};
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
    if (opcode != 0 && !begin_message(in.subspan(header_size), size)) return {};
    if (kind_ == Kind::bad) return {.kind = Kind::bad, .stamp = {}, .payload = {}};
    last_ = (in[0] & kFin) != 0;
    open_ = true;
    skip_ = size;
    whole_size_ = last_ && opcode != 0 ? size : 0;
    in = in.subspan(header_size);
  }
}

// Reads the front of a message's first frame, which has `size` bytes. False when more of it must come first.
bool FrameReader::begin_message(Bytes front, std::uint64_t size) noexcept {
  using Kind = Found::Kind;
  if (front.size() > size) front = front.first(static_cast<std::size_t>(size));
  const Front read = read_front(form_, front.first(std::min(front.size(), kFrontMax)));
  switch (read.kind) {
    case Front::Kind::more:
      kind_ = Kind::bad;
      return front.size() == size || front.size() >= kFrontMax;
    case Front::Kind::message:
      return read_stamp(front, size, read.payload_at);
    case Front::Kind::ack:
      kind_ = Kind::ack;
      return true;
    case Front::Kind::error:
      kind_ = Kind::error;
      return true;
    case Front::Kind::other:
      kind_ = Kind::unstamped;
      return true;
    case Front::Kind::bad:
      break;
  }
  kind_ = Kind::bad;
  return true;
}

bool FrameReader::read_stamp(Bytes front, std::uint64_t size, std::size_t at) noexcept {
  const std::size_t stamp_size = form_ == Form::json ? kHexStampSize : kStampSize;
  const bool stamped = size >= at + stamp_size;
  kind_ = stamped ? Found::Kind::message : Found::Kind::unstamped;
  if (!stamped) return true;
  if (front.size() < at + stamp_size) return false;
  stamp_ = form_ == Form::json ? decode_hex_stamp(front.data() + at) : decode_stamp(front.data() + at);
  return true;
}

}  // namespace ringcast::perf
