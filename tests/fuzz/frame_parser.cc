#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>

#include "frame/close.h"
#include "frame/deflate.h"
#include "frame/inflate.h"
#include "frame/mask.h"
#include "frame/parser.h"
#include "tests/fuzz/naive_frames.h"
#include "tests/fuzz/property.h"

namespace ringcast::fuzz {

namespace {

using namespace frame;
using Kind = Event::Kind;

constexpr MaskKey kKey{0x12, 0x00, 0xff, 0x9a};

// Appends the frame that a peer in front of `role` would send.
void append_frame(std::string& out, Role role, Header header, Bytes payload) {
  header.masked = role == Role::server;
  header.mask = header.masked ? kKey : MaskKey{};
  header.payload_size = payload.size();
  std::array<std::uint8_t, kHeaderSizeMax> head{};
  const std::size_t size = encode_header(header, head);
  const auto decoded = decode_header(Bytes(head).first(size));
  header.size = static_cast<std::uint8_t>(size);
  require(decoded && *decoded == header);
  out.append(as_text(Bytes(head).first(size)));
  const std::size_t at = out.size();
  out.append(as_text(payload));
  if (header.masked) {
    mask({reinterpret_cast<std::uint8_t*>(out.data()) + at, payload.size()}, header.mask);
  }
}

// Writes the event as frames again, compressed if it came so; nothing for a failure.
void append_event(std::string& out, Role role, const Event& event) {
  Deflater deflater({.level = 1});
  switch (event.kind) {
    case Kind::need_more:
    case Kind::failed:
      return;
    case Kind::text:
    case Kind::binary:
      return append_frame(
          out, role, {.opcode = event.kind == Kind::text ? Opcode::text : Opcode::binary, .rsv1 = event.compressed},
          event.compressed ? deflater.deflate(event.payload) : event.payload);
    case Kind::ping:
      return append_frame(out, role, {.opcode = Opcode::ping}, event.payload);
    case Kind::pong:
      return append_frame(out, role, {.opcode = Opcode::pong}, event.payload);
    case Kind::close: {
      std::array<std::uint8_t, kCloseFrameSizeMax> whole{};
      const std::size_t size = encode_close_frame({.code = event.code, .reason = as_text(event.payload)}, whole);
      return append_frame(out, role, {.opcode = Opcode::close}, Bytes(whole).first(size).subspan(2));
    }
  }
}

struct Result {
  std::string events;
  std::string written_again;
};

// Parses `in`, cut where `piece_size` says.
template <typename PieceSize>
Result parse(Parser::Options options, Bytes in, PieceSize piece_size) {
  Parser parser(options);
  Inflater inflater({});
  Result result;
  while (!in.empty()) {
    const std::size_t size = piece_size(in.size());
    const auto memory = std::make_unique<std::uint8_t[]>(size);
    if (size > 0) std::memcpy(memory.get(), in.data(), size);
    in = in.subspan(size);
    MutableBytes rest(memory.get(), size);
    for (;;) {
      const Step step = parser.next(rest, &inflater);
      require(step.consumed <= rest.size());
      rest = rest.subspan(step.consumed);
      if (step.event.kind == Kind::need_more) break;
      result.events += describe(step.event);
      append_event(result.written_again, options.role, step.event);
    }
    require(rest.empty());
    require(parser.heap_size() <=
            2 * (Parser::compressed_size_max(options.message_size_max) + kControlPayloadSizeMax) + 256);
    require(inflater.heap_size() <= std::max(options.message_size_max + 1, DeflateOutput::kKeptSizeMax));
  }
  return result;
}

// The naive judge knows that a compressed message is wrong, but not what shows first: that it is no DEFLATE, no UTF-8
// or too big. Its last line stands for each of these.
bool alike(const std::string& events, const std::string& naive) {
  if (events == naive) return true;
  const auto failure = [](Error error) { return describe({.kind = Kind::failed, .error = error}); };
  const std::string any = failure(Error::invalid_deflate);
  if (!naive.ends_with(any)) return false;
  const std::string before = naive.substr(0, naive.size() - any.size());
  return events == before + failure(Error::invalid_utf8) || events == before + failure(Error::message_too_big);
}

}  // namespace

void check_frame_parser(Bytes input) {
  const std::uint8_t choice = take_byte(input);
  constexpr std::array<std::size_t, 4> kSizes{10, 200, 70'000, std::size_t{1} << 20};
  const Parser::Options options{.role = choice % 2 == 0 ? Role::server : Role::client,
                                .message_size_max = kSizes[choice / 4 % kSizes.size()],
                                .compression = choice / 2 % 2 == 1};
  Cuts cuts(take_byte(input));
  const Result whole = parse(options, input, [](std::size_t left) { return left; });
  require(alike(whole.events, naive_events(options, as_text(input))));
  require(whole.events == parse(options, input, [](std::size_t) { return std::size_t{1}; }).events);
  require(whole.events == parse(options, input, [&](std::size_t left) { return cuts.next(left); }).events);

  const Result again = parse(options, as_bytes(whole.written_again), [](std::size_t left) { return left; });
  require(whole.events.starts_with(again.events));
  require(again.written_again == whole.written_again);
}

}  // namespace ringcast::fuzz
