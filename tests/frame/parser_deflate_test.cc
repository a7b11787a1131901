// What a Parser makes of compressed messages (RFC 7692 §6). What is inside them is tested in inflate_test.cc.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "frame/deflate.h"
#include "frame/inflate.h"
#include "frame/parser.h"
#include "tests/frame/naive_inflate.h"
#include "tests/frame/wire.h"
#include "tests/topics/count_allocations.h"

using namespace ringcast::frame;
using ringcast::topics::test::allocations;

namespace {

using Events = std::vector<Seen>;

constexpr Parser::Options kServer{.role = Role::server, .compression = true};
constexpr Parser::Options kClient{.role = Role::client, .compression = true};
constexpr std::size_t kMebibyte = std::size_t{1} << 20;

const std::string kHello = bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});  // §7.2.3.1

std::string deflated(std::string_view text) {
  Deflater deflater({});
  return std::string(as_text(deflater.deflate(as_bytes(text))));
}

// The first frame of a compressed message, as a client sends it.
std::string first(Opcode opcode, std::string_view payload, Fin fin = Fin::yes) {
  return frame({.opcode = opcode, .fin = fin == Fin::yes, .rsv1 = true, .masked = true, .mask = kTestMask}, payload);
}

std::string more(std::string_view payload, Fin fin = Fin::yes) {
  return client_frame(Opcode::continuation, payload, fin);
}

Seen text_came(std::string_view payload) {
  return {.kind = Event::Kind::text, .payload = std::string(payload), .compressed = true};
}
Seen binary_came(std::string_view payload) {
  return {.kind = Event::Kind::binary, .payload = std::string(payload), .compressed = true};
}
Seen ping_event(std::string_view payload) {
  return {.kind = Event::Kind::ping, .payload = std::string(payload)};
}

MutableBytes writable(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

TEST_CASE("a Parser inflates the examples of RFC 7692 §7.2.3, in one frame and in two") {
  CHECK(see_all_ways(kClient, bytes({0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})) ==
        Events{text_came("Hello")});
  const std::string fragments =
      bytes({0x41, 0x03, 0xf2, 0x48, 0xcd}) + bytes({0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00});  // §7.2.3.1
  CHECK(see_all_ways(kClient, fragments) == Events{text_came("Hello")});
  CHECK(see_all_ways(kClient, bytes({0xc1, 0x0b, 0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00})) ==
        Events{text_came("Hello")});
  CHECK(see_all_ways(kClient, bytes({0xc1, 0x08, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00})) ==
        Events{text_came("Hello")});
  CHECK(see_all_ways(kServer, first(Opcode::binary, kHello)) == Events{binary_came("Hello")});
}

TEST_CASE("compressed and plain messages may follow each other (§6), and empty ones too") {
  const std::string input = first(Opcode::text, kHello) + client_frame(Opcode::text, "plain") +
                            first(Opcode::binary, bytes({0x00})) + client_frame(Opcode::binary, "") +
                            first(Opcode::text, "") + client_frame(Opcode::ping, "p") + first(Opcode::text, kHello);
  CHECK(see_all_ways(kServer, input) == Events{text_came("Hello"), text_event("plain"), binary_came(""),
                                               binary_event(""), text_came(""), ping_event("p"), text_came("Hello")});
}

TEST_CASE("a compressed message may be cut into frames anywhere, also empty ones, with control frames between (§6.1)") {
  for (std::size_t cut = 0; cut <= kHello.size(); ++cut) {
    CAPTURE(cut);
    const std::string input = first(Opcode::text, kHello.substr(0, cut), Fin::no) + client_frame(Opcode::ping, "p") +
                              more("", Fin::no) + more(kHello.substr(cut), Fin::no) + more("") +
                              client_frame(Opcode::text, "next");
    CHECK(see_all_ways(kServer, input) == Events{ping_event("p"), text_came("Hello"), text_event("next")});
  }
}

TEST_CASE("every violation of RFC 7692 ends the stream with its close code") {
  struct Row {
    std::string_view why;
    Parser::Options options;
    std::uint16_t close_code;
    Error error;
    std::string input;
  };
  Header ping{.opcode = Opcode::ping, .rsv1 = true, .masked = true, .mask = kTestMask};
  Header pong = ping;
  pong.opcode = Opcode::pong;
  Header close = ping;
  close.opcode = Opcode::close;
  Header continuation = ping;
  continuation.opcode = Opcode::continuation;
  Header unmasked{.opcode = Opcode::text, .rsv1 = true};
  Parser::Options plain = kServer;
  plain.compression = false;
  const Row rows[] = {
      {"RSV1 that was not agreed (§6)", plain, 1002, Error::reserved_bits, first(Opcode::text, kHello)},
      {"RSV1 and RSV2", kServer, 1002, Error::reserved_bits, bytes({0xe1, 0x80, 0, 0, 0, 0})},
      {"RSV1 on a ping (§6.1)", kServer, 1002, Error::rsv1_not_first, frame(ping, "")},
      {"RSV1 on a pong", kServer, 1002, Error::rsv1_not_first, frame(pong, kHello)},
      {"RSV1 on a close", kServer, 1002, Error::rsv1_not_first, frame(close, "")},
      {"RSV1 on a ping inside a compressed message", kServer, 1002, Error::rsv1_not_first,
       first(Opcode::text, "", Fin::no) + frame(ping, "")},
      {"RSV1 on a continuation (§6.1)", kServer, 1002, Error::rsv1_not_first,
       first(Opcode::text, kHello, Fin::no) + frame(continuation, "")},
      {"RSV1 on the continuation of a plain message", kServer, 1002, Error::rsv1_not_first,
       client_frame(Opcode::text, "a", Fin::no) + frame(continuation, kHello)},
      {"a compressed message inside a plain one", kServer, 1002, Error::expected_continuation,
       client_frame(Opcode::text, "a", Fin::no) + first(Opcode::text, kHello)},
      {"not masked", kServer, 1002, Error::not_masked, frame(unmasked, kHello)},
      {"garbage (§7.2.2)", kServer, 1007, Error::invalid_deflate, first(Opcode::binary, "Hello")},
      {"garbage in a fragment", kServer, 1007, Error::invalid_deflate,
       first(Opcode::binary, kHello.substr(0, 3), Fin::no) + more("\xff\xff\xff\xff\xff")},
      {"cut short", kServer, 1007, Error::invalid_deflate, first(Opcode::binary, kHello.substr(0, 4))},
      {"text that is not UTF-8 (RFC 6455 §8.1)", kServer, 1007, Error::invalid_utf8,
       first(Opcode::text, deflated("caf\xc3("))},
      {"text that ends inside a character", kServer, 1007, Error::invalid_utf8,
       first(Opcode::text, deflated("caf\xc3"))},
      {"context that was to be dropped (§7.1.1.2)", kServer, 1007, Error::invalid_deflate,
       first(Opcode::binary, bytes({0xf2, 0x00, 0x11, 0x00, 0x00}))},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const std::string good = client_frame(Opcode::binary, "good");
    const std::string late = client_frame(Opcode::binary, "late");
    CHECK(see_all_ways(row.options, good + row.input + late) == Events{binary_event("good"), failed_event(row.error)});
    CHECK(close_status(row.error) == row.close_code);
  }
}

TEST_CASE("message_size_max counts inflated bytes: one more is refused, in one frame or many (RFC 6455 §7.4.1)") {
  constexpr Parser::Options kSmall{.role = Role::server, .message_size_max = 100, .compression = true};
  const std::string exact = deflated(std::string(100, 'x'));
  const std::string over = deflated(std::string(101, 'x'));
  CHECK(see_all_ways(kSmall, first(Opcode::text, exact)) == Events{text_came(std::string(100, 'x'))});
  CHECK(see_all_ways(kSmall, first(Opcode::text, over)) == Events{failed_event(Error::message_too_big)});
  CHECK(see_all_ways(kSmall, first(Opcode::text, over.substr(0, 2), Fin::no) + more(over.substr(2))) ==
        Events{failed_event(Error::message_too_big)});
}

TEST_CASE("a message of the limit that cannot be compressed is taken, whatever it was compressed with") {
  std::mt19937 random(1);
  for (const std::size_t size : {0UL, 1UL, 10UL, 1000UL, 100'000UL}) {
    std::string noise;
    while (noise.size() < size) noise.push_back(static_cast<char>(random()));
    BitWriter nines;  // the worst that a compressor does: 9 bits for each byte
    nines.header(0, 1);
    for (std::size_t i = 0; i < size; ++i) nines.fixed(200);
    nines.fixed(256).header(0, 0);
    for (const std::string& payload : {deflated(noise), nines.text()}) {
      Parser parser({.role = Role::server, .message_size_max = size, .compression = true});
      Inflater inflater({});
      const std::string input = first(Opcode::binary, payload);
      const Events events = see(parser, input, pieces_of(input.size(), 1000), &inflater);
      REQUIRE(events.size() == 1);
      CHECK(events[0].kind == Event::Kind::binary);
      CHECK(events[0].payload.size() == size);
    }
  }
}

TEST_CASE("more than a message of the limit can come from is refused by its header") {
  constexpr std::size_t kSize = 1000;
  constexpr std::size_t kMost = Parser::compressed_size_max(kSize);
  const std::string empty = BitWriter().stored("").text();
  std::string padding;
  while (padding.size() + empty.size() < kMost) padding += empty;
  padding += bytes({0x00});
  padding.resize(std::min(padding.size(), kMost));
  const Parser::Options options{.role = Role::server, .message_size_max = kSize, .compression = true};
  Inflater inflater({});
  Parser taken(options);
  std::string input = first(Opcode::binary, padding);
  CHECK(see(taken, input, {input.size()}, &inflater) == Events{binary_came("")});
  Parser refused(options);
  input = first(Opcode::binary, std::string(kMost + 1, '\0'));
  CHECK(see(refused, input.substr(0, 8), {8}, &inflater) == Events{failed_event(Error::message_too_big)});
  Parser fragments(options);
  input = first(Opcode::binary, padding, Fin::no) + more(std::string(kMost - padding.size() + 1, '\0'));
  CHECK(see(fragments, input, {input.size()}, &inflater) == Events{failed_event(Error::message_too_big)});
}

TEST_CASE("a compressed frame that lies whole in the input is inflated from there: the Parser takes no memory") {
  const std::string one = first(Opcode::text, deflated(std::string(2000, 'x')));
  Inflater inflater({});
  Parser parser(kServer);
  std::string input = one;
  CHECK(parser.next(writable(input), &inflater).event.payload.size() == 2000);
  const std::uint64_t before = allocations();
  for (int i = 0; i < 100; ++i) {
    std::ranges::copy(one, input.begin());
    CHECK(parser.next(writable(input), &inflater).event.payload.size() == 2000);
  }
  CHECK(allocations() == before);
  CHECK(parser.heap_size() == 0);
}

TEST_CASE("between two messages neither what was gathered nor a large output stays") {
  std::mt19937 random(1);
  std::string noise;
  while (noise.size() < kMebibyte) noise.push_back(static_cast<char>(random()));
  std::string input = first(Opcode::binary, deflated(noise));
  Inflater inflater({});
  Parser parser(kServer);
  const MutableBytes in = writable(input);
  CHECK(parser.next(in.first(in.size() - 1), &inflater).event.kind == Event::Kind::need_more);
  CHECK(parser.heap_size() >= kMebibyte);
  CHECK(inflater.heap_size() == 0);
  CHECK(parser.next(in.last(1), &inflater).event.payload.size() == kMebibyte);
  CHECK(parser.heap_size() == 0);
  CHECK(inflater.heap_size() >= kMebibyte);
  CHECK(parser.next({}, &inflater).event.kind == Event::Kind::need_more);
  CHECK(inflater.heap_size() == 0);
}

TEST_CASE("bombs in a thousand unfinished messages cost what was sent of them") {
  const std::string bomb = deflated(std::string(kMebibyte, '\0'));
  Inflater inflater({});
  std::vector<Parser> parsers;
  std::size_t heap = 0;
  for (int i = 0; i < 1000; ++i) {
    parsers.emplace_back(kServer);
    std::string input = first(Opcode::binary, bomb, Fin::no);
    CHECK(parsers.back().next(writable(input), &inflater).event.kind == Event::Kind::need_more);
    heap += parsers.back().heap_size();
  }
  CHECK(heap <= 1000 * 2 * bomb.size());
  CHECK(inflater.heap_size() == 0);
}

TEST_CASE("one inflater serves connections whose messages come interleaved") {
  Inflater inflater({});
  std::vector<Parser> parsers;
  for (int i = 0; i < 20; ++i) parsers.emplace_back(kServer);
  std::vector<std::string> inputs;
  for (int i = 0; i < 20; ++i)
    inputs.push_back(first(Opcode::text, deflated(std::string(50, static_cast<char>('a' + i)))));
  for (std::size_t at = 0; at < inputs[0].size(); ++at) {
    for (std::size_t i = 0; i < parsers.size(); ++i) {
      const Events events = see(parsers[i], inputs[i].substr(at, 1), {1}, &inflater);
      if (at + 1 < inputs[i].size()) CHECK(events.empty());
      if (at + 1 == inputs[i].size()) CHECK(events == Events{text_came(std::string(50, static_cast<char>('a' + i)))});
    }
  }
}

TEST_CASE("a connection whose peer keeps its context has an inflater of its own (§7.1.1.2)") {
  Deflater deflater({.context = Context::kept});
  Inflater inflater({.context = Context::kept});
  Parser parser(kServer);
  for (int i = 0; i < 50; ++i) {
    const std::string text = "message number " + std::to_string(i);
    const std::string payload(as_text(deflater.deflate(as_bytes(text))));
    if (i > 0) CHECK(payload.size() < 12);
    const std::string input = first(Opcode::text, payload.substr(0, 2), Fin::no) +
                              client_frame(Opcode::text, "").substr(0, 0) + more(payload.substr(2));
    CHECK(see(parser, input, pieces_of(input.size(), 3), &inflater) == Events{text_came(text)});
  }
}

static_assert(sizeof(Parser) == 56, "compression costs a connection that has none nothing");
