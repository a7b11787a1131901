#include "perf/frame_reader.h"

#include <algorithm>

#include "perf/server_frame.h"

namespace ringcast::perf {
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
    const ServerFrame frame = read_server_frame(in);
    if (frame.kind == ServerFrame::Kind::more) return {};
    if (frame.kind == ServerFrame::Kind::bad) return {.kind = Kind::bad, .stamp = {}, .payload = {}};
    if (frame.kind != ServerFrame::Kind::data) {
      if (in.size() < frame.header_size + frame.payload_size) return {};
      const Bytes payload = in.subspan(frame.header_size, static_cast<std::size_t>(frame.payload_size));
      in = in.subspan(frame.header_size + payload.size());
      if (frame.kind == ServerFrame::Kind::ping) return {.kind = Kind::ping, .stamp = {}, .payload = payload};
      if (frame.kind == ServerFrame::Kind::close) return {.kind = Kind::close, .stamp = {}, .payload = payload};
      continue;  // a pong
    }
    if (frame.begins && !begin_message(in.subspan(frame.header_size), frame.payload_size)) return {};
    if (kind_ == Kind::bad) return {.kind = Kind::bad, .stamp = {}, .payload = {}};
    last_ = frame.fin;
    open_ = true;
    skip_ = frame.payload_size;
    whole_size_ = last_ && frame.begins ? frame.payload_size : 0;
    in = in.subspan(frame.header_size);
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
    case Front::Kind::ready:
      kind_ = Kind::ready;
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
