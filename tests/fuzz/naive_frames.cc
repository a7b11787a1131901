#include "tests/fuzz/naive_frames.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "tests/frame/naive_inflate.h"

namespace ringcast::fuzz {

namespace {

using frame::Error;
using frame::Event;
using Kind = frame::Event::Kind;

enum class Text { wrong, unfinished, complete };

// RFC 3629 §3: decode each character and look at what it is.
Text judge_utf8(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  for (std::size_t at = 0; at < text.size();) {
    const std::uint8_t lead = byte(at);
    const std::size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (size == 0) return Text::wrong;
    // What is missing may be anything between 80 and BF: the smallest and the largest value that can come of it.
    std::uint32_t least = size == 1 ? lead : lead & (0x7fU >> size);
    std::uint32_t most = least;
    for (std::size_t i = 1; i < size; ++i) {
      const bool there = at + i < text.size();
      if (there && byte(at + i) >> 6 != 2) return Text::wrong;
      least = least << 6 | (there ? byte(at + i) & 0x3fU : 0);
      most = most << 6 | (there ? byte(at + i) & 0x3fU : 0x3fU);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (most < kSmallest[size] || least > 0x10ffff || (least >= 0xd800 && most <= 0xdfff)) return Text::wrong;
    if (at + size > text.size()) return Text::unfinished;
    at += size;
  }
  return Text::complete;
}

bool may_be_sent(unsigned code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

struct Frame {
  unsigned first = 0;  // the byte with fin, RSV and opcode
  std::uint64_t size = 0;
  bool masked = false;
  std::string key;
  std::size_t header_size = 0;
};

// The header at the front, or nothing if it is not all there; an error as soon as it shows.
std::optional<Frame> read_header(std::string_view in, std::optional<Error>& error) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint64_t>(static_cast<std::uint8_t>(in[at])); };
  if (in.empty()) return {};
  Frame frame{.first = static_cast<unsigned>(byte(0))};
  const unsigned opcode = frame.first & 15;
  if ((frame.first & 0x30) != 0)
    error = Error::reserved_bits;
  else if ((opcode > 2 && opcode < 8) || opcode > 10)
    error = Error::reserved_opcode;
  else if (opcode >= 8 && frame.first < 0x80)
    error = Error::control_fragmented;
  if (error || in.size() < 2) return {};
  frame.masked = byte(1) >= 0x80;
  frame.size = byte(1) & 0x7f;
  if (opcode >= 8 && frame.size > 125) {
    error = Error::control_too_long;
    return {};
  }
  const std::size_t more = frame.size == 126 ? 2 : frame.size == 127 ? 8 : 0;
  if (in.size() < 2 + more) return {};
  if (more > 0) frame.size = 0;
  for (std::size_t i = 0; i < more; ++i) frame.size = frame.size << 8 | byte(2 + i);
  if (more == 8 && frame.size >> 63 == 1)
    error = Error::length_overflow;
  else if ((more == 2 && frame.size < 126) || (more == 8 && frame.size < 65536))
    error = Error::length_not_minimal;
  frame.header_size = 2 + more + (frame.masked ? 4 : 0);
  if (error || in.size() < frame.header_size) return {};
  if (frame.masked) frame.key = in.substr(2 + more, 4);
  return frame;
}

// The state between frames.
struct Stream {
  frame::Parser::Options options;
  std::string message;
  unsigned opcode = 0;  // of the message; 0: none has begun
  bool compressed = false;
  std::string events;

  void emit(const Event& event) { events += describe(event); }

  std::optional<Error> check(const Frame& frame) const {
    const unsigned code = frame.first & 15;
    if (frame.masked && options.role == frame::Role::client) return Error::masked;
    if (!frame.masked && options.role == frame::Role::server) return Error::not_masked;
    const bool rsv1 = (frame.first & 0x40) != 0;
    if (rsv1 && !options.compression) return Error::reserved_bits;
    if (rsv1 && code != 1 && code != 2) return Error::rsv1_not_first;
    if (code == 8 && frame.size == 1) return Error::close_size;
    if (code >= 8) return {};
    if (code != 0 && opcode != 0) return Error::expected_continuation;
    if (code == 0 && opcode == 0) return Error::unexpected_continuation;
    const bool deflated = code == 0 ? compressed : rsv1;
    const std::size_t most =
        deflated ? frame::Parser::compressed_size_max(options.message_size_max) : options.message_size_max;
    if (frame.size > most - message.size()) return Error::message_too_big;
    return {};
  }

  std::optional<Error> take_data(const Frame& frame, std::string_view payload, bool whole) {
    if (const unsigned code = frame.first & 15; code != 0) {
      opcode = code;
      compressed = (frame.first & 0x40) != 0;
      message.clear();
    }
    message += payload;
    const bool end = whole && frame.first >= 0x80;
    if (opcode == 1 && !compressed) {
      const Text text = judge_utf8(message);
      if (text == Text::wrong || (end && text == Text::unfinished)) return Error::invalid_utf8;
    }
    if (!end) return {};
    if (compressed) {
      const auto inflated = frame::naive_inflate(message);
      if (!inflated || inflated->size() > options.message_size_max) return Error::invalid_deflate;
      if (opcode == 1 && judge_utf8(*inflated) != Text::complete) return Error::invalid_deflate;
      message = *inflated;
    }
    emit({.kind = opcode == 1 ? Kind::text : Kind::binary,
          .compressed = compressed,
          .payload = frame::as_bytes(message)});
    opcode = 0;
    message.clear();
    return {};
  }

  // True if the stream has ended.
  std::optional<Error> take_control(const Frame& frame, std::string_view payload, bool whole, bool& ended) {
    const unsigned code = frame.first & 15;
    if (code == 8) {
      const auto byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<std::uint8_t>(payload[at])); };
      const unsigned status = payload.size() < 2 ? 1005 : byte(0) << 8 | byte(1);
      if (payload.size() >= 2 && !may_be_sent(status)) return Error::close_code;
      const std::string_view reason = payload.substr(payload.size() < 2 ? payload.size() : 2);
      const Text text = judge_utf8(reason);
      if (text == Text::wrong || (whole && text == Text::unfinished)) return Error::invalid_utf8;
      ended = whole;
      if (whole) {
        emit({.kind = Kind::close, .code = static_cast<std::uint16_t>(status), .payload = frame::as_bytes(reason)});
      }
    } else if (whole) {
      emit({.kind = code == 9 ? Kind::ping : Kind::pong, .payload = frame::as_bytes(payload)});
    }
    return {};
  }
};

}  // namespace

std::string describe(const Event& event) {
  std::string line = std::to_string(static_cast<int>(event.kind)) + " " + std::to_string(event.code) + " ";
  if (event.kind == Kind::failed) line += text(event.error);
  line += event.compressed ? " compressed " : " plain ";
  return line.append(frame::as_text(event.payload)) += "\n";
}

std::string naive_events(frame::Parser::Options options, std::string_view in) {
  Stream stream{.options = options};
  for (;;) {
    std::optional<Error> error;
    const auto frame = read_header(in, error);
    if (frame) error = stream.check(*frame);
    bool whole = false;
    bool ended = false;
    if (frame && !error) {
      std::string payload(in.substr(frame->header_size, frame->size));
      whole = payload.size() == frame->size;
      for (std::size_t i = 0; i < payload.size() && frame->masked; ++i) {
        payload[i] = static_cast<char>(payload[i] ^ frame->key[i % 4]);
      }
      error = (frame->first & 15) >= 8 ? stream.take_control(*frame, payload, whole, ended)
                                       : stream.take_data(*frame, payload, whole);
    }
    if (error) stream.emit({.kind = Kind::failed, .error = *error});
    if (error || ended || !whole) return stream.events;
    in.remove_prefix(frame->header_size + static_cast<std::size_t>(frame->size));
  }
}

}  // namespace ringcast::fuzz
