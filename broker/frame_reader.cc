#include "broker/frame_reader.h"

#include "frame/header.h"

namespace ringcast::broker {

// The message's payload, in place if it is one frame and not compressed.
std::optional<Bytes> FrameReader::payload(Bytes frames) {
  Bytes whole;
  bool compressed = false;
  joined_.clear();
  while (!frames.empty()) {
    const auto header = frame::decode_header(frames);
    if (!header || frames.size() - header->size < header->payload_size) return std::nullopt;
    compressed |= header->rsv1;
    const Bytes part = frames.subspan(header->size, static_cast<std::size_t>(header->payload_size));
    frames = frames.subspan(header->size + part.size());
    if (joined_.empty() && frames.empty()) {
      whole = part;
    } else {
      joined_.insert(joined_.end(), part.begin(), part.end());
      whole = joined_;
    }
  }
  if (!compressed) return whole;
  inflater_.forget();
  const auto inflated = inflater_.inflate(whole, {.size_max = SIZE_MAX - 1});
  return inflated ? std::optional(*inflated) : std::nullopt;
}

std::optional<proto::Message> FrameReader::read(Encoding encoding, Bytes frames) {
  const Protocol protocol = protocol_of(encoding);
  if (protocol != Protocol::proto && protocol != Protocol::json) return std::nullopt;
  const auto text = payload(frames);
  if (!text) return std::nullopt;
  const auto event = protocol == Protocol::proto ? proto_.read_event(*text) : json_.read_event(*text);
  if (!event) return std::nullopt;
  const auto* message = std::get_if<proto::Message>(&*event);
  return message == nullptr ? std::nullopt : std::optional(*message);
}

}  // namespace ringcast::broker
