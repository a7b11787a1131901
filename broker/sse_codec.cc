#include "broker/sse_codec.h"

#include <algorithm>

#include "frame/bytes.h"
#include "proto/base64.h"

namespace ringcast::broker {

namespace {

void append(std::string_view text, std::vector<std::uint8_t>& out) {
  const Bytes bytes = frame::as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// JSON in one line: outside of its strings a line break is white space like any other, inside there is none.
void append_in_one_line(Bytes json, std::vector<std::uint8_t>& out) {
  const auto begin = static_cast<std::ptrdiff_t>(out.size());
  out.insert(out.end(), json.begin(), json.end());
  std::replace_if(out.begin() + begin, out.end(), [](std::uint8_t byte) { return byte == '\n' || byte == '\r'; }, ' ');
}

void append_base64(Bytes bytes, std::vector<std::uint8_t>& out) {
  append("data: ", out);
  const std::size_t at = out.size();
  out.resize(at + proto::base64_size(bytes.size()));
  proto::encode_base64(bytes, reinterpret_cast<char*>(out.data() + at));
  out.push_back('\n');
}

}  // namespace

void append_data_lines(std::string_view text, std::vector<std::uint8_t>& out) {
  std::size_t feed = text.find('\n');
  std::size_t carriage = text.find('\r');
  for (std::size_t at = 0;;) {
    const std::size_t end = std::min({feed, carriage, text.size()});
    append("data: ", out);
    append(text.substr(at, end - at), out);
    out.push_back('\n');
    if (end == text.size()) return;
    at = text.substr(end).starts_with("\r\n") ? end + 2 : end + 1;
    if (feed < at) feed = text.find('\n', at);
    if (carriage < at) carriage = text.find('\r', at);
  }
}

void SseCodec::append_json(const topics::Message& message, const Opening* opening) {
  const auto encoded = json_.encode(message, opening);
  append("data: ", scratch_);
  append_in_one_line(encoded->payload, scratch_);
  scratch_.push_back('\n');
}

std::optional<Encoded> SseCodec::encode(const topics::Message& message, const Opening* opening) {
  if (scratch_.capacity() > kScratchKeptBytes) scratch_ = {};
  scratch_.clear();
  if (form_ == Form::json) {
    append_json(message, opening);
  } else if (message.op == topics::Op::remove) {
    append("event: remove\n", scratch_);
    append_json(message, opening);
  } else if (message.format == topics::Format::binary) {
    append_base64(message.payload(), scratch_);
  } else {
    append_data_lines(frame::as_text(message.payload()), scratch_);
  }
  scratch_.push_back('\n');
  return Encoded{.kind = FrameKind::text, .payload = scratch_};
}

}  // namespace ringcast::broker
