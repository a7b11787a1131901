#include "perf/nats_reader.h"

#include <algorithm>
#include <cstring>

#include "perf/server_frame.h"

namespace ringcast::perf {

FrameReader::Found NatsReader::read(Bytes& in) noexcept {
  using Kind = Found::Kind;
  for (;;) {
    if (frame_left_ == 0) {
      const ServerFrame frame = read_server_frame(in);
      if (frame.kind == ServerFrame::Kind::more) return {};
      if (frame.kind == ServerFrame::Kind::bad) return {.kind = Kind::bad};
      if (frame.kind == ServerFrame::Kind::data) {
        in = in.subspan(frame.header_size);
        frame_left_ = frame.payload_size;
        continue;
      }
      if (in.size() < frame.header_size + frame.payload_size) return {};
      const Bytes payload = in.subspan(frame.header_size, static_cast<std::size_t>(frame.payload_size));
      in = in.subspan(frame.header_size + payload.size());
      if (frame.kind == ServerFrame::Kind::ping) return {.kind = Kind::ping, .payload = payload};
      if (frame.kind == ServerFrame::Kind::close) return {.kind = Kind::close, .payload = payload};
      continue;
    }
    Bytes chunk = in.first(static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, in.size())));
    if (chunk.empty()) return {};
    const std::size_t before = chunk.size();
    const Found found = read_chunk(chunk);
    in = in.subspan(before - chunk.size());
    frame_left_ -= before - chunk.size();
    if (found.kind != Kind::nothing) return found;
  }
}

// Takes bytes off the front of `chunk`, up to the end of a packet or all of them.
FrameReader::Found NatsReader::read_chunk(Bytes& chunk) noexcept {
  using Kind = Found::Kind;
  while (!chunk.empty()) {
    const Found found = packet_left_ > 0 || to_line_end_ ? finish(chunk) : begin_packet(chunk);
    if (found.kind != Kind::nothing) return found;
  }
  return {};
}

FrameReader::Found NatsReader::begin_packet(Bytes& chunk) noexcept {
  using Kind = Found::Kind;
  const std::size_t kept = kept_size_;
  Bytes front = chunk.first(std::min(chunk.size(), kept_.size() - kept));
  if (kept > 0) {
    std::memcpy(kept_.data() + kept, front.data(), front.size());
    front = Bytes(kept_).first(kept + front.size());
  }
  const NatsPacket packet = read_nats(front);
  switch (packet.kind) {
    case NatsPacket::Kind::more:
      if (front.size() == kept_.size()) return {.kind = Kind::bad};
      if (kept == 0) std::memcpy(kept_.data(), front.data(), front.size());
      kept_size_ = front.size();
      chunk = chunk.subspan(front.size() - kept);
      return {};
    case NatsPacket::Kind::bad:
      return {.kind = Kind::bad};
    case NatsPacket::Kind::message:
      packet_ = {.kind = Kind::message, .stamp = decode_stamp(front.data() + packet.payload_at)};
      break;
    case NatsPacket::Kind::pong:
      packet_ = {.kind = Kind::ready};
      break;
    case NatsPacket::Kind::error:
      return {.kind = Kind::error, .payload = chunk};  // what is here of the line says enough
    case NatsPacket::Kind::short_message:
    case NatsPacket::Kind::other:
      packet_ = {.kind = Kind::unstamped};
      break;
  }
  kept_size_ = 0;
  to_line_end_ = packet.size == 0;
  // What was kept is before this chunk, and holds no line's end: it would have been told by it.
  packet_left_ = to_line_end_ ? 0 : packet.size - kept;
  return finish(chunk);
}

FrameReader::Found NatsReader::finish(Bytes& chunk) noexcept {
  if (to_line_end_) {
    const auto end = std::ranges::find(chunk, std::uint8_t{'\n'});
    if (end == chunk.end()) {
      chunk = {};
      return {};
    }
    chunk = chunk.subspan(static_cast<std::size_t>(end - chunk.begin()) + 1);
    to_line_end_ = false;
    return packet_;
  }
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(packet_left_, chunk.size()));
  chunk = chunk.subspan(taken);
  packet_left_ -= taken;
  return packet_left_ == 0 ? packet_ : Found{};
}

}  // namespace ringcast::perf
