#include "perf/form.h"

#include "frame/bytes.h"

namespace ringcast::perf {
namespace {

using Kind = Front::Kind;

// ---- Protocol Buffers: tags of ServerMessage, and of Message, as proto/ringcast.proto numbers them ----

constexpr std::uint8_t kSubscribedTag = 2 << 3 | 2;
constexpr std::uint8_t kMessageTag = 4 << 3 | 2;
constexpr std::uint8_t kAckTag = 5 << 3 | 2;
constexpr std::uint8_t kErrorTag = 11 << 3 | 2;
constexpr std::uint8_t kPayloadTag = 7 << 3 | 2;  // of Message: all fields before it have tags of one byte, too

// Takes a varint off the front of `in`; false when it does not end there.
bool take_varint(Bytes in, std::size_t& at, std::uint64_t& value) noexcept {
  value = 0;
  for (unsigned shift = 0; at < in.size() && shift < 64; shift += 7) {
    const std::uint8_t byte = in[at++];
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

Front read_proto(Bytes in) noexcept {
  if (in.empty()) return {};
  if (in[0] == kAckTag) return {.kind = Kind::ack};
  if (in[0] == kErrorTag) return {.kind = Kind::error};
  if (in[0] == kSubscribedTag) return {.kind = Kind::ready};
  if (in[0] != kMessageTag) return {.kind = Kind::other};
  std::size_t at = 1;
  std::uint64_t value = 0;
  if (!take_varint(in, at, value)) return {};
  while (at < in.size()) {
    const std::uint8_t tag = in[at++];
    if (!take_varint(in, at, value)) return {};  // what follows a tag is a varint or a length
    if (tag == kPayloadTag) return {.kind = Kind::message, .payload_at = at};
    if (tag > kPayloadTag || ((tag & 7) != 0 && (tag & 7) != 2)) return {.kind = Kind::bad};
    if ((tag & 7) == 2) at += static_cast<std::size_t>(value);
  }
  return {};
}

// ---- JSON ----

constexpr std::string_view kMessageBegin = R"({"message":{)";
constexpr std::string_view kTextBegin = R"("text":")";  // not in a topic or a header: a quote is escaped there

Front read_json(Bytes in) noexcept {
  const std::string_view text = frame::as_text(in);
  if (text.size() < kMessageBegin.size()) return {};
  if (!text.starts_with(kMessageBegin)) {
    if (text.starts_with(R"({"ack":)")) return {.kind = Kind::ack};
    if (text.starts_with(R"({"error":)")) return {.kind = Kind::error};
    if (text.starts_with(R"({"subscribed)")) return {.kind = Kind::ready};
    return {.kind = text.starts_with(R"({")") ? Kind::other : Kind::bad};
  }
  const std::size_t begin = text.find(kTextBegin, kMessageBegin.size());
  if (begin == std::string_view::npos) return {};
  return {.kind = Kind::message, .payload_at = begin + kTextBegin.size()};
}

}  // namespace

std::string_view name(Form form) noexcept {
  switch (form) {
    case Form::raw:
      return "raw";
    case Form::json:
      return "json";
    case Form::proto:
      return "proto";
    case Form::nats:
      return "nats";
  }
  return {};
}

std::string_view subprotocol(Form form) noexcept {
  switch (form) {
    case Form::raw:
    case Form::nats:
      return {};
    case Form::json:
      return "ringcast.v1.json";
    case Form::proto:
      return "ringcast.v1.proto";
  }
  return {};
}

Front read_front(Form form, Bytes in) noexcept {
  switch (form) {
    case Form::raw:
      return {.kind = Kind::message};
    case Form::json:
      return read_json(in);
    case Form::proto:
      return read_proto(in);
    case Form::nats:
      break;
  }
  return {.kind = Kind::bad};
}

}  // namespace ringcast::perf
