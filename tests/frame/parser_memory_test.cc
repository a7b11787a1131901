// What a Parser takes from the heap, counted by this binary's operator new.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "frame/parser.h"
#include "tests/frame/wire.h"
#include "tests/topics/count_allocations.h"

using namespace ringcast::frame;
using ringcast::topics::test::allocated_bytes;
using ringcast::topics::test::allocations;

namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

MutableBytes writable(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

// Feeds `input` in pieces of that size; returns how many messages came, all of which must be `payload_size` bytes.
std::size_t feed(Parser& parser, std::string& input, std::size_t piece, std::size_t payload_size) {
  std::size_t messages = 0;
  MutableBytes rest = writable(input);
  while (!rest.empty()) {
    MutableBytes in = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(in.size());
    for (;;) {
      const Step step = parser.next(in);
      in = in.subspan(step.consumed);
      if (step.event.kind == Event::Kind::need_more) break;
      REQUIRE(step.event.kind == Event::Kind::binary);
      REQUIRE(step.event.payload.size() == payload_size);
      ++messages;
    }
  }
  return messages;
}

}  // namespace

TEST_CASE("an unfragmented frame that lies whole in the input is viewed there: no copy, no allocation") {
  std::string input = client_frame(Opcode::text, "first") + client_frame(Opcode::ping, "p") +
                      client_frame(Opcode::binary, std::string(70'000, 'x'));
  Parser parser({.role = Role::server});
  const std::uint64_t before = allocations();
  MutableBytes rest = writable(input);
  for (int event = 0; event < 3; ++event) {
    const Step step = parser.next(rest);
    CHECK(step.event.payload.data() + step.event.payload.size() == rest.data() + step.consumed);
    rest = rest.subspan(step.consumed);
  }
  CHECK(allocations() == before);
  CHECK(parser.heap_size() == 0);
}

TEST_CASE("small messages cut by the ends of receives take memory once, not each time") {
  std::string input;
  for (int i = 0; i < 1000; ++i) input += client_frame(Opcode::binary, std::string(100, 'x'));
  Parser parser({.role = Role::server});
  const std::uint64_t before = allocations();
  CHECK(feed(parser, input, 64, 100) == 1000);
  CHECK(allocations() - before == 1);
  CHECK(parser.heap_size() <= Parser::kKeptSizeMax);
}

TEST_CASE("the buffer of a large message is given back after it, that of a small one by trim") {
  Parser parser({.role = Role::server});
  const std::size_t kept = Parser::kKeptSizeMax;
  std::string small = client_frame(Opcode::binary, std::string(kept, 'x'));
  CHECK(feed(parser, small, small.size() - 1, kept) == 1);
  CHECK(parser.heap_size() == kept);
  std::string large = client_frame(Opcode::binary, std::string(kept + 1, 'x'));
  CHECK(feed(parser, large, large.size() - 1, kept + 1) == 1);
  CHECK(parser.heap_size() == 0);

  small = client_frame(Opcode::binary, std::string(10, 'x'));
  CHECK(feed(parser, small, 1, 10) == 1);
  CHECK(parser.heap_size() > 0);
  parser.trim();
  CHECK(parser.heap_size() == 0);
}

TEST_CASE("trim keeps a message that is in progress") {
  Parser parser({.role = Role::server});
  const std::string input = client_frame(Opcode::text, "Hel", Fin::no) + client_frame(Opcode::continuation, "lo");
  CHECK(see(parser, input.substr(0, 11), {11}).empty());
  parser.trim();
  CHECK(see(parser, input.substr(11), {input.size() - 11}) == std::vector<Seen>{text_event("Hello")});
}

TEST_CASE("memory grows with what was received, not with what a header promises") {
  Parser parser({.role = Role::server, .message_size_max = 16 * kMebibyte});
  std::string input = client_frame(Opcode::binary, std::string(16 * kMebibyte, 'x'));
  MutableBytes in = writable(input);
  static_cast<void>(parser.next(in.first(20)));
  CHECK(parser.heap_size() <= 256);
  static_cast<void>(parser.next(in.subspan(20, 10'000)));
  CHECK(parser.heap_size() <= 20'020);
}

TEST_CASE("a message of 16 MiB moves less than twice its size, in pieces of any size: linear, not quadratic") {
  constexpr std::size_t kSize = 16 * kMebibyte;
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{16384}, kMebibyte + 1}) {
    std::string input = client_frame(Opcode::binary, std::string(kSize, 'x'));
    Parser parser({.role = Role::server, .message_size_max = kSize});
    const std::uint64_t before = allocated_bytes();
    CHECK(feed(parser, input, piece, kSize) == 1);
    // What growing moves was allocated before: all that was, but for the last buffer.
    CHECK(allocated_bytes() - before - kSize <= 2 * kSize);
    CHECK(parser.heap_size() == 0);
  }
}

TEST_CASE("16 MiB in fragments of 16 bytes, and 1 MiB in fragments of one, are not copied each time") {
  struct Row {
    std::size_t fragment;
    std::size_t size;
  };
  for (const Row& row : {Row{16, 16 * kMebibyte}, Row{1, kMebibyte}}) {
    const std::string payload(row.fragment, 'x');
    std::string first = client_frame(Opcode::binary, payload, Fin::no);
    std::string middle = client_frame(Opcode::continuation, payload, Fin::no);
    std::string last = client_frame(Opcode::continuation, payload);
    Parser parser({.role = Role::server, .message_size_max = row.size});
    const std::uint64_t before = allocated_bytes();
    CHECK(feed(parser, first, first.size(), 0) == 0);
    std::string in = middle;
    for (std::size_t i = 2; i < row.size / row.fragment; ++i) {
      in.replace(0, in.size(), middle);  // it was unmasked in place
      static_cast<void>(parser.next(writable(in)));
    }
    CHECK(feed(parser, last, last.size(), row.size) == 1);
    CHECK(allocated_bytes() - before <= 4 * row.size);
  }
}

TEST_CASE("1 MiB in reads of one byte moves less than twice its size") {
  std::string input = client_frame(Opcode::binary, std::string(kMebibyte, 'x'));
  Parser parser({.role = Role::server});
  const std::uint64_t before = allocated_bytes();
  CHECK(feed(parser, input, 1, kMebibyte) == 1);
  CHECK(allocated_bytes() - before - kMebibyte <= 2 * kMebibyte);
}

TEST_CASE("pings cut in two between the fragments of a large message do not copy it each time") {
  constexpr std::size_t kRounds = 2000;
  Parser parser({.role = Role::server});
  std::string begin = client_frame(Opcode::binary, std::string(kMebibyte / 2, 'x'), Fin::no);
  const std::uint64_t before = allocated_bytes();
  static_cast<void>(parser.next(writable(begin)));
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::string ping = client_frame(Opcode::ping, std::string(125, 'p'));
    const MutableBytes in = writable(ping);
    CHECK(parser.next(in.first(50)).event.kind == Event::Kind::need_more);
    CHECK(parser.next(in.subspan(50)).event.kind == Event::Kind::ping);
    std::string fragment = client_frame(Opcode::continuation, std::string(125, 'x'), Fin::no);
    CHECK(parser.next(writable(fragment)).event.kind == Event::Kind::need_more);
  }
  constexpr std::size_t kOfTheTest = kRounds * 2000;  // its strings
  CHECK(allocated_bytes() - before <= 4 * kMebibyte + kOfTheTest);
}

TEST_CASE("a failure gives everything back") {
  Parser parser({.role = Role::server});
  const std::string input = client_frame(Opcode::text, "abc", Fin::no) + client_frame(Opcode::text, "x");
  CHECK(see(parser, input, {input.size()}) == std::vector<Seen>{failed_event(Error::expected_continuation)});
  CHECK(parser.heap_size() == 0);
}
