#include "frame/parser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/frame/wire.h"

using namespace ringcast::frame;

namespace {

constexpr Parser::Options kServer{.role = Role::server};
constexpr Parser::Options kClient{.role = Role::client};

Seen ping_event(std::string_view payload) {
  return {.kind = Event::Kind::ping, .payload = std::string(payload)};
}
Seen pong_event(std::string_view payload) {
  return {.kind = Event::Kind::pong, .payload = std::string(payload)};
}
Seen close_event(std::uint16_t code, std::string_view reason) {
  return {.kind = Event::Kind::close, .payload = std::string(reason), .code = code};
}

using Events = std::vector<Seen>;

std::string close_body(unsigned code, std::string_view reason = "") {
  return bytes({code >> 8, code & 0xff}) + std::string(reason);
}

}  // namespace

TEST_CASE("a client's Parser reads the unmasked examples of RFC 6455 §5.7") {
  CHECK(see_all_ways(kClient, bytes({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f})) == Events{text_event("Hello")});
  CHECK(see_all_ways(kClient, bytes({0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f})) ==
        Events{text_event("Hello")});
  CHECK(see_all_ways(kClient, bytes({0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f})) == Events{ping_event("Hello")});
  const std::string binary(256, 'b');
  CHECK(see_all_ways(kClient, bytes({0x82, 0x7e, 0x01, 0x00}) + binary) == Events{binary_event(binary)});
}

TEST_CASE("a server's Parser reads the masked examples of RFC 6455 §5.7") {
  const std::string hello = bytes({0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58});
  CHECK(see_all_ways(kServer, bytes({0x81, 0x85}) + hello) == Events{text_event("Hello")});
  CHECK(see_all_ways(kServer, bytes({0x8a, 0x85}) + hello) == Events{pong_event("Hello")});
}

TEST_CASE("messages of every length form arrive, several in one input, empty ones too") {
  std::string input;
  Events expected;
  for (const std::size_t size : {0UL, 1UL, 125UL, 126UL, 127UL, 300UL}) {
    const std::string payload(size, 'x');
    input += client_frame(Opcode::binary, payload);
    input += client_frame(Opcode::text, payload);
    expected.push_back(binary_event(payload));
    expected.push_back(text_event(payload));
  }
  CHECK(see_all_ways(kServer, input) == expected);
}

TEST_CASE("messages of 65,535 and 65,536 bytes arrive whole and in pieces") {
  for (const std::size_t size : {65535UL, 65536UL}) {
    const std::string payload(size, 'x');
    const std::string input = client_frame(Opcode::binary, payload);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, input.size()}) {
      Parser parser(kServer);
      CHECK(see(parser, input, pieces_of(input.size(), piece)) == Events{binary_event(payload)});
    }
  }
}

TEST_CASE("fragments join, empty ones too, and control frames pass between them (§5.4)") {
  const std::string input = client_frame(Opcode::text, "Hel", Fin::no) + client_frame(Opcode::ping, "one") +
                            client_frame(Opcode::continuation, "", Fin::no) + client_frame(Opcode::pong, "") +
                            client_frame(Opcode::continuation, "lo", Fin::no) + client_frame(Opcode::ping, "two") +
                            client_frame(Opcode::continuation, "") + client_frame(Opcode::binary, "next");
  CHECK(see_all_ways(kServer, input) ==
        Events{ping_event("one"), pong_event(""), ping_event("two"), text_event("Hello"), binary_event("next")});
}

TEST_CASE("control frames carry up to 125 bytes") {
  const std::string payload(125, 'p');
  CHECK(see_all_ways(kServer, client_frame(Opcode::ping, payload)) == Events{ping_event(payload)});
}

TEST_CASE("a close carries its code and reason, or 1005 for none, and ends the stream") {
  const std::string after = client_frame(Opcode::text, "late") + "garbage";
  CHECK(see_all_ways(kServer, client_frame(Opcode::close, "") + after) == Events{close_event(1005, "")});
  CHECK(see_all_ways(kServer, client_frame(Opcode::close, close_body(1000)) + after) == Events{close_event(1000, "")});
  const std::string reason(123, 'r');
  CHECK(see_all_ways(kServer, client_frame(Opcode::close, close_body(4999, reason)) + after) ==
        Events{close_event(4999, reason)});
  CHECK(see_all_ways(kServer, client_frame(Opcode::text, "Hel", Fin::no) +
                                  client_frame(Opcode::close, close_body(1001, "grüße"))) ==
        Events{close_event(1001, "grüße")});
}

TEST_CASE("every violation of RFC 6455 by a client ends the stream with its close code") {
  struct Row {
    std::string_view why;
    std::uint16_t close_code;
    Error error;
    std::string input;
  };
  const std::string begun = client_frame(Opcode::text, "a", Fin::no);
  const Row rows[] = {
      {"not masked (§5.1)", 1002, Error::not_masked, server_frame(Opcode::text, "Hello")},
      {"empty and not masked", 1002, Error::not_masked, server_frame(Opcode::ping, "")},
      {"RSV1 without an extension (§5.2)", 1002, Error::reserved_bits, bytes({0xc1, 0x80, 0, 0, 0, 0})},
      {"RSV1 on a ping", 1002, Error::reserved_bits, bytes({0xc9, 0x80, 0, 0, 0, 0})},
      {"RSV2", 1002, Error::reserved_bits, bytes({0xa1, 0x80, 0, 0, 0, 0})},
      {"RSV3", 1002, Error::reserved_bits, bytes({0x91, 0x80, 0, 0, 0, 0})},
      {"opcode 3", 1002, Error::reserved_opcode, bytes({0x83, 0x80, 0, 0, 0, 0})},
      {"opcode B inside a message", 1002, Error::reserved_opcode, begun + bytes({0x8b, 0x80, 0, 0, 0, 0})},
      {"length not minimal", 1002, Error::length_not_minimal, bytes({0x82, 0xfe, 0, 5, 0, 0, 0, 0})},
      {"length with bit 63", 1002, Error::length_overflow, bytes({0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})},
      {"fragmented ping (§5.5)", 1002, Error::control_fragmented, bytes({0x09, 0x80, 0, 0, 0, 0})},
      {"long pong", 1002, Error::control_too_long, bytes({0x8a, 0xfe, 0, 126, 0, 0, 0, 0}) + std::string(126, 'x')},
      {"continuation of nothing (§5.4)", 1002, Error::unexpected_continuation, client_frame(Opcode::continuation, "x")},
      {"text inside a message", 1002, Error::expected_continuation, begun + client_frame(Opcode::text, "b")},
      {"binary inside a message", 1002, Error::expected_continuation,
       begun + client_frame(Opcode::binary, "", Fin::no)},
      {"close of one byte (§5.5.1)", 1002, Error::close_size, client_frame(Opcode::close, "x")},
      {"close code 999 (§7.4)", 1002, Error::close_code, client_frame(Opcode::close, close_body(999))},
      {"close code 1004", 1002, Error::close_code, client_frame(Opcode::close, close_body(1004))},
      {"close code 1005", 1002, Error::close_code, client_frame(Opcode::close, close_body(1005))},
      {"close code 1006", 1002, Error::close_code, client_frame(Opcode::close, close_body(1006, "x"))},
      {"close code 1015", 1002, Error::close_code, client_frame(Opcode::close, close_body(1015))},
      {"close code 2999", 1002, Error::close_code, client_frame(Opcode::close, close_body(2999))},
      {"close code 5000", 1002, Error::close_code, client_frame(Opcode::close, close_body(5000))},
      {"close reason not UTF-8 (§8.1)", 1007, Error::invalid_utf8,
       client_frame(Opcode::close, close_body(1000, "\xff"))},
      {"close reason cut short", 1007, Error::invalid_utf8, client_frame(Opcode::close, close_body(1000, "a\xe2\x82"))},
      {"text not UTF-8", 1007, Error::invalid_utf8, client_frame(Opcode::text, "a\xc0\x80z")},
      {"text with a surrogate", 1007, Error::invalid_utf8, client_frame(Opcode::text, "\xed\xa0\x80")},
      {"text cut short", 1007, Error::invalid_utf8, client_frame(Opcode::text, "caf\xc3")},
      {"fragmented text cut short", 1007, Error::invalid_utf8,
       client_frame(Opcode::text, "caf", Fin::no) + client_frame(Opcode::continuation, "\xc3")},
      {"fragmented text cut short by an empty end", 1007, Error::invalid_utf8,
       client_frame(Opcode::text, "\xc3", Fin::no) + client_frame(Opcode::continuation, "")},
      {"text wrong over two fragments", 1007, Error::invalid_utf8,
       client_frame(Opcode::text, "\xc3", Fin::no) + client_frame(Opcode::continuation, "(", Fin::no)},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const std::string good = client_frame(Opcode::binary, "good");
    const std::string late = client_frame(Opcode::binary, "late");
    CHECK(see_all_ways(kServer, good + row.input + late) == Events{binary_event("good"), failed_event(row.error)});
    CHECK(close_status(row.error) == row.close_code);
  }
}

TEST_CASE("a continuation after the end of a message has nothing to continue (§5.4)") {
  CHECK(see_all_ways(kServer, client_frame(Opcode::text, "a", Fin::no) + client_frame(Opcode::continuation, "b") +
                                  client_frame(Opcode::continuation, "c")) ==
        Events{text_event("ab"), failed_event(Error::unexpected_continuation)});
}

TEST_CASE("a client's Parser refuses a masked frame (§5.1)") {
  CHECK(see_all_ways(kClient, client_frame(Opcode::text, "x")) == Events{failed_event(Error::masked)});
}

TEST_CASE("wrong text fails at the byte that makes it wrong, not at the end of its frame (§8.1)") {
  struct Row {
    std::string_view why;
    std::string before;  // whole frames
    std::string text;    // of the frame that is wrong at its last byte
  };
  const Row rows[] = {
      {"in one frame", "", "Hello \xed\xa0"},
      {"in the second fragment", client_frame(Opcode::text, "\xf0\x90", Fin::no), "\x80\x80 \xc0"},
      {"over a control frame", client_frame(Opcode::text, "\xe2", Fin::no) + client_frame(Opcode::ping, ""), "\x28"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const Opcode opcode = row.before.empty() ? Opcode::text : Opcode::continuation;
    const std::string whole = client_frame(opcode, row.text + std::string(100, 'x'));
    const std::string until_wrong = row.before + whole.substr(0, whole.size() - 100);
    Parser parser(kServer);
    const Events before = see(parser, until_wrong.substr(0, until_wrong.size() - 1), {until_wrong.size() - 1});
    CHECK(std::ranges::count(before, Event::Kind::failed, &Seen::kind) == 0);
    CHECK(see(parser, until_wrong.substr(until_wrong.size() - 1), {1}) == Events{failed_event(Error::invalid_utf8)});
  }
}

TEST_CASE("a wrong close code or reason fails before the rest of the frame has come") {
  const auto fails_after = [](const std::string& body, std::size_t size) {
    Parser parser(kServer);
    const std::string input = client_frame(Opcode::close, body).substr(0, 6 + size);
    return !see(parser, input, pieces_of(input.size(), 1)).empty();
  };
  CHECK_FALSE(fails_after(close_body(1005, "reason"), 1));
  CHECK(fails_after(close_body(1005, "reason"), 2));
  CHECK_FALSE(fails_after(close_body(1000, "ab\xff reason"), 4));
  CHECK(fails_after(close_body(1000, "ab\xff reason"), 5));
}

TEST_CASE("message_size_max takes a message of that size and refuses one byte more, over all fragments") {
  constexpr Parser::Options kSmall{.role = Role::server, .message_size_max = 10};
  const std::string ten(10, 'x');
  CHECK(see_all_ways(kSmall, client_frame(Opcode::binary, ten)) == Events{binary_event(ten)});
  CHECK(see_all_ways(kSmall, client_frame(Opcode::binary, ten + "x")) == Events{failed_event(Error::message_too_big)});
  const std::string four = client_frame(Opcode::binary, ten.substr(0, 4), Fin::no);
  CHECK(see_all_ways(kSmall, four + client_frame(Opcode::continuation, ten.substr(0, 6))) == Events{binary_event(ten)});
  CHECK(see_all_ways(kSmall, four + client_frame(Opcode::ping, ten + "x") +
                                 client_frame(Opcode::continuation, ten.substr(0, 7))) ==
        Events{ping_event(ten + "x"), failed_event(Error::message_too_big)});
}

TEST_CASE("another limit counts from the next message on, on it and one byte past it") {
  const auto feed = [](Parser& parser, std::string text) {
    parser.limit(3);
    const Step step = parser.next({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    (void)parser.next({});
    return step.event;
  };
  for (const std::size_t before : {2UL, 10UL}) {
    Parser lowered({.role = Role::server, .message_size_max = before});
    CHECK(feed(lowered, client_frame(Opcode::text, "abc")).kind == Event::Kind::text);
    CHECK(feed(lowered, client_frame(Opcode::text, "abcd")).error == Error::message_too_big);
  }
  Parser parser({.role = Role::server, .message_size_max = 10});
  const std::string frame = client_frame(Opcode::text, "0123456789");
  std::string first = frame.substr(0, 8);
  (void)parser.next({reinterpret_cast<std::uint8_t*>(first.data()), first.size()});
  CHECK(feed(parser, frame.substr(8)).kind == Event::Kind::text);  // it was under way
  CHECK(feed(parser, frame).error == Error::message_too_big);
}

TEST_CASE("a message that is too big is refused by its header, before a byte of it has come") {
  constexpr Parser::Options kSmall{.role = Role::server, .message_size_max = 10};
  for (const std::uint64_t promised :
       {std::uint64_t{11}, std::uint64_t{1} << 32, (std::uint64_t{1} << 32) + 5, (std::uint64_t{1} << 63) - 1}) {
    Parser parser(kSmall);
    std::array<std::uint8_t, kHeaderSizeMax> out{};
    const Header header{.masked = true, .mask = kTestMask, .payload_size = promised};
    const std::string input(as_text(Bytes(out).first(encode_header(header, out))));
    CHECK(see(parser, input, {input.size()}) == Events{failed_event(Error::message_too_big)});
    CHECK(parser.heap_size() == 0);
  }
}

TEST_CASE("a Parser can be moved in the middle of a header, a frame and a message") {
  const std::string input = client_frame(Opcode::text, "Hel", Fin::no) + client_frame(Opcode::ping, "ping") +
                            client_frame(Opcode::continuation, "lo");
  for (std::size_t place = 0; place <= input.size(); ++place) {
    Parser first(kServer);
    Events events = see(first, input.substr(0, place), {place});
    Parser second(std::move(first));
    const Events rest = see(second, input.substr(place), {input.size() - place});
    events.insert(events.end(), rest.begin(), rest.end());
    CHECK(events == Events{ping_event("ping"), text_event("Hello")});
  }
}

TEST_CASE("in_progress is true from the first byte of a message to its last") {
  const std::string input = client_frame(Opcode::text, "Hel", Fin::no) + client_frame(Opcode::continuation, "lo");
  Parser parser(kServer);
  CHECK_FALSE(parser.in_progress());
  for (std::size_t at = 0; at < input.size(); ++at) {
    const Events events = see(parser, input.substr(at, 1), {1});
    CHECK(parser.in_progress() == (at + 1 < input.size()));
    CHECK(events.empty() == (at + 1 < input.size()));
  }
}
