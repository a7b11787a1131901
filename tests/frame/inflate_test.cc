#include "frame/inflate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "frame/deflate.h"
#include "tests/frame/naive_inflate.h"
#include "tests/frame/wire.h"
#include "tests/topics/count_allocations.h"

using namespace ringcast::frame;
using ringcast::topics::test::allocated_bytes;
using ringcast::topics::test::allocations;

namespace {

constexpr unsigned kSeed = 20261121;
constexpr std::size_t kMebibyte = std::size_t{1} << 20;
constexpr auto kText = Inflater::Content::text;

struct Outcome {
  std::string text{};
  Error error = Error::truncated;

  friend bool operator==(const Outcome&, const Outcome&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    return out << '"' << outcome.text.substr(0, 60) << "\" " << ringcast::frame::text(outcome.error);
  }
};

Outcome inflated(Inflater& inflater, std::string_view payload, Inflater::Wanted wanted) {
  const auto result = inflater.inflate(as_bytes(payload), wanted);
  return result ? Outcome{.text = std::string(as_text(*result))} : Outcome{.error = result.error()};
}

Outcome inflated(std::string_view payload, Inflater::Wanted wanted = {.size_max = 1000}) {
  Inflater inflater({});
  return inflated(inflater, payload, wanted);
}

std::string fixed_block(std::string_view literals, unsigned bfinal = 0) {
  BitWriter writer;
  writer.header(bfinal, 1);
  for (const char c : literals) writer.fixed(static_cast<unsigned char>(c));
  return writer.fixed(256).text();
}

// A few blocks of random kinds with matches of random lengths and distances; what they inflate to is for others to say.
std::string random_blocks(std::mt19937& random) {
  BitWriter writer;
  for (auto blocks = random() % 4; blocks > 0; --blocks) {
    const unsigned last = random() % 4 == 0 ? 1 : 0;
    if (random() % 2 == 0) {
      writer.stored(std::string(random() % 5, static_cast<char>(random())), last);
      continue;
    }
    writer.header(last, 1);
    for (auto symbols = random() % 12; symbols > 0; --symbols) {
      if (random() % 4 != 0) {
        writer.fixed(static_cast<unsigned>(random() % 256));
        continue;
      }
      writer.fixed(257 + static_cast<unsigned>(random() % 4)).code(static_cast<unsigned>(random() % 4), 5);
    }
    writer.fixed(256);
    if (last == 1) writer.align();
  }
  if (random() % 8 != 0) writer.header(0, 0).align();  // the empty stored block whose rest is the tail
  return writer.text();
}

}  // namespace

TEST_CASE("inflate reads the examples of RFC 7692 §7.2.3") {
  CHECK(inflated(bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})) == Outcome{"Hello"});  // §7.2.3.1
  Inflater keeping({.context = Context::kept});                                            // §7.2.3.2
  CHECK(inflated(keeping, bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}), {.size_max = 5}) == Outcome{"Hello"});
  CHECK(inflated(keeping, bytes({0xf2, 0x00, 0x11, 0x00, 0x00}), {.size_max = 5}) == Outcome{"Hello"});
  const std::string stored = bytes({0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00});
  CHECK(inflated(stored) == Outcome{"Hello"});                                                   // §7.2.3.3
  CHECK(inflated(bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00})) == Outcome{"Hello"});  // §7.2.3.4
  const std::string two = bytes({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00});
  CHECK(inflated(two) == Outcome{"Hello"});       // §7.2.3.5
  CHECK(inflated(bytes({0x00})) == Outcome{""});  // §7.2.3.6
}

TEST_CASE("inflate reads blocks of every kind, empty ones, and what follows BFINAL (§7.2.3.4)") {
  struct Row {
    std::string_view why;
    std::string payload;
    std::string text;
  };
  const std::string empty = BitWriter().header(0, 0).align().text();
  const Row rows[] = {
      {"a whole empty stored block before the last", BitWriter().stored("").text() + empty, ""},
      {"a hundred of them",
       [&] {
         std::string out;
         for (int i = 0; i < 100; ++i) out += BitWriter().stored("").text();
         return out + empty;
       }(),
       ""},
      {"stored blocks", BitWriter().stored("ab").stored("").stored("c").text() + empty, "abc"},
      {"an empty fixed block", BitWriter().header(0, 1).fixed(256).header(0, 0).align().text(), ""},
      {"BFINAL on a stored block", BitWriter().stored("ab", 1).text() + empty, "ab"},
      {"BFINAL on every block", BitWriter().stored("ab", 1).stored("", 1).stored("c", 1).text() + empty, "abc"},
      {"BFINAL on a fixed block, padded, then a block", fixed_block("ab", 1) + fixed_block("c", 1) + empty, "abc"},
      {"BFINAL, and a match into what was before it",
       fixed_block("abc", 1) + BitWriter().header(0, 1).fixed(257).code(2, 5).fixed(256).header(0, 0).align().text(),
       "abcabc"},
      {"BFINAL without the empty block behind it", fixed_block("ab", 1), "ab"},
      {"the tail was left in", bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff}), "Hello"},
      {"nothing at all", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(inflated(row.payload) == Outcome{row.text});
    CHECK(naive_inflate(row.payload) == row.text);
  }
}

TEST_CASE("inflate refuses what is not DEFLATE, or not all of it") {
  struct Row {
    std::string_view why;
    std::string payload;
  };
  const Row rows[] = {
      {"the reserved block type (RFC 1951 §3.2.3)", bytes({0x07})},
      {"a reserved type behind a block", fixed_block("a", 1) + bytes({0x06, 0x00})},
      {"a stored block with the wrong complement",
       bytes({0x00, 0x05, 0x00, 0xfa, 0xfe, 'H', 'e', 'l', 'l', 'o', 0x00})},
      {"a stored block cut short", bytes({0x00, 0x05, 0x00, 0xfa, 0xff, 'H', 'e'})},
      {"a fixed block without its end", bytes({0xf2, 0x48, 0xcd})},
      {"a match before the beginning", BitWriter().header(0, 1).fixed(257).code(0, 5).fixed(256).header(0, 0).text()},
      {"a match too far back",
       BitWriter().header(0, 1).fixed('a').fixed(257).code(1, 5).fixed(256).header(0, 0).text()},
      {"length symbol 286", BitWriter().header(0, 1).fixed('a').fixed(286).code(0, 5).fixed(256).header(0, 0).text()},
      {"distance symbol 30", BitWriter().header(0, 1).fixed('a').fixed(257).code(30, 5).fixed(256).header(0, 0).text()},
      {"too many length symbols", BitWriter().header(0, 2).bits(30, 5).bits(0, 5).bits(0, 4).raw("xxxxxxxx").text()},
      {"too many codes", BitWriter().header(0, 2).bits(0, 5).bits(0, 5).bits(0, 4).bits(0xfff, 12).raw("xxxx").text()},
      {"text", "Hello, world"},
      {"ff", std::string(20, '\xff')},
      {"zlib's own header", bytes({0x78, 0x9c, 0x03, 0x00})},
      {"gzip's header", bytes({0x1f, 0x8b, 0x08, 0x00})},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(inflated(row.payload) == Outcome{.error = Error::invalid_deflate});
    CHECK_FALSE(naive_inflate(row.payload).has_value());
  }
}

TEST_CASE("inflate says what the naive inflater says of random blocks, whole, cut short and damaged") {
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  Inflater inflater({});
  std::size_t good = 0;
  for (int round = 0; round < 4000; ++round) {
    CAPTURE(round);
    std::string payload = random_blocks(random);
    if (round % 4 == 1) payload.resize(random() % (payload.size() + 1));
    if (round % 4 == 2 && !payload.empty()) payload[random() % payload.size()] = static_cast<char>(random());
    const auto expected = naive_inflate(payload);
    const Outcome outcome = inflated(inflater, payload, {.size_max = 100'000});
    REQUIRE(outcome == (expected ? Outcome{*expected} : Outcome{.error = Error::invalid_deflate}));
    good += expected.has_value();
  }
  CHECK(good > 1000);
  CHECK(good < 3900);
}

TEST_CASE("every text that zlib compressed and was then damaged is read as the naive inflater reads it") {
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  Inflater inflater({});
  Deflater deflater({.level = 9});
  std::string text;
  while (text.size() < 600) text += std::to_string(random() % 1000) + ",\"px\":";  // enough for a dynamic block
  const std::string whole(as_text(deflater.deflate(as_bytes(text))));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(random());
    const auto expected = naive_inflate(damaged);
    const Outcome outcome = inflated(inflater, damaged, {.size_max = 100'000});
    REQUIRE(outcome == (expected ? Outcome{*expected} : Outcome{.error = Error::invalid_deflate}));
  }
}

TEST_CASE("a message is inflated up to size_max and refused one byte past it, whatever size_max is") {
  Inflater inflater({});
  Deflater deflater({});
  for (const std::size_t size : {0UL, 1UL, 100UL, 16383UL, 16384UL, 16385UL, 65536UL, kMebibyte}) {
    CAPTURE(size);
    const std::string exact(as_text(deflater.deflate(as_bytes(std::string(size, 'x')))));
    const std::string over(as_text(deflater.deflate(as_bytes(std::string(size + 1, 'x')))));
    CHECK(inflated(inflater, exact, {.size_max = size}).text.size() == size);
    CHECK(inflated(inflater, over, {.size_max = size}) == Outcome{.error = Error::message_too_big});
    // An output that is large already changes nothing.
    CHECK(inflated(inflater, exact, {.size_max = kMebibyte}).text.size() == size);
    CHECK(inflated(inflater, over, {.size_max = size}) == Outcome{.error = Error::message_too_big});
  }
}

TEST_CASE("a bomb of 1000:1 costs no more memory than the limit, and one below it is a message like any other") {
  constexpr std::size_t kBomb = 64 * kMebibyte;
  Deflater deflater({.level = 9});
  const std::string bomb(as_text(deflater.deflate(as_bytes(std::string(kBomb, '\0')))));
  CHECK(bomb.size() < kBomb / 1000);
  Inflater inflater({});
  const std::uint64_t before = allocated_bytes();
  CHECK(inflated(inflater, bomb, {.size_max = kMebibyte}) == Outcome{.error = Error::message_too_big});
  CHECK(allocated_bytes() - before <= 3 * (kMebibyte + 1) + 4096);  // all that doubling took, one after the other
  CHECK(inflater.heap_size() <= kMebibyte + 1);
  inflater.forget();
  CHECK(inflater.heap_size() == 0);
  CHECK(inflated(inflater, bomb, {.size_max = kBomb}).text.size() == kBomb);
}

TEST_CASE("text is checked while it is inflated (§8.1 of RFC 6455)") {
  const auto stored = [](std::string_view text) { return BitWriter().stored(text).header(0, 0).align().text(); };
  CHECK(inflated(stored("gr\xc3\xbc\xc3\x9f"), {.content = kText, .size_max = 100}) == Outcome{"gr\xc3\xbc\xc3\x9f"});
  CHECK(inflated(stored("\xff"), {.content = kText, .size_max = 100}) == Outcome{.error = Error::invalid_utf8});
  CHECK(inflated(stored("caf\xc3"), {.content = kText, .size_max = 100}) == Outcome{.error = Error::invalid_utf8});
  CHECK(inflated(stored("\xff"), {.size_max = 100}) == Outcome{"\xff"});

  // A character over the place where the output grows.
  std::string text(16 * 1024 - 1, 'x');
  text += "\xe2\x82\xac and more";
  Deflater deflater({});
  const std::string deflated(as_text(deflater.deflate(as_bytes(text))));
  CHECK(inflated(deflated, {.content = kText, .size_max = 100'000}) == Outcome{text});
  // Wrong long before the end: nothing behind it is inflated.
  const std::string wrong = "\xff" + std::string(kMebibyte, 'x');
  const std::string deflated_wrong(as_text(deflater.deflate(as_bytes(wrong))));
  Inflater inflater({});
  CHECK(inflated(inflater, deflated_wrong, {.content = kText, .size_max = 2 * kMebibyte}) ==
        Outcome{.error = Error::invalid_utf8});
  CHECK(inflater.heap_size() <= 16 * 1024);
}

TEST_CASE("a dropped context refers to nothing before, a kept one to all that was (§7.1.1)") {
  const std::string hello = bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
  const std::string again = bytes({0xf2, 0x00, 0x11, 0x00, 0x00});
  Inflater dropping({});
  CHECK(inflated(dropping, hello, {.size_max = 5}) == Outcome{"Hello"});
  CHECK(inflated(dropping, again, {.size_max = 5}) == Outcome{.error = Error::invalid_deflate});
  CHECK(inflated(dropping, hello, {.size_max = 5}) == Outcome{"Hello"});
}

TEST_CASE("a kept context goes on over empty messages, BFINAL and messages larger than the window") {
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  for (const std::uint8_t bits : {std::uint8_t{9}, kWindowBitsMax}) {
    Deflater deflater({.window_bits = bits, .context = Context::kept});
    Inflater inflater({.window_bits = bits, .context = Context::kept});
    for (int round = 0; round < 300; ++round) {
      std::string text;
      const std::size_t size = round % 50 == 49 ? 50'000 : random() % 200;
      while (text.size() < size) text += std::to_string(random() % 50);
      const std::string deflated(as_text(deflater.deflate(as_bytes(text))));
      REQUIRE(inflated(inflater, deflated, {.size_max = 100'000}) == Outcome{text});
      if (round % 10 == 0) REQUIRE(inflated(inflater, "", {.size_max = 0}) == Outcome{""});
    }
  }
  // §7.2.3.4: who sets BFINAL may go on referring to what was before.
  Inflater inflater({.context = Context::kept});
  CHECK(inflated(inflater, fixed_block("abc", 1), {.size_max = 9}) == Outcome{"abc"});
  const std::string match = BitWriter().header(0, 1).fixed(257).code(2, 5).fixed(256).header(0, 0).align().text();
  CHECK(inflated(inflater, match, {.size_max = 9}) == Outcome{"abc"});
}

TEST_CASE("an Inflater takes memory once, and none before it is used") {
  const std::uint64_t start = allocations();
  Inflater inflater({});
  CHECK(allocations() == start);
  const std::string hello = bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
  CHECK(inflater.inflate(as_bytes(hello), {.size_max = 100'000}).has_value());
  const std::uint64_t before = allocations();
  for (int i = 0; i < 100; ++i) CHECK(inflater.inflate(as_bytes(hello), {.size_max = 100'000}).has_value());
  CHECK(allocations() == before);
}

TEST_CASE("an Inflater that failed goes on with the next message") {
  Inflater inflater({});
  CHECK(inflated(inflater, std::string(20, '\xff'), {.size_max = 10}) == Outcome{.error = Error::invalid_deflate});
  const std::string hello = bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
  CHECK(inflated(inflater, hello, {.size_max = 10}) == Outcome{"Hello"});
  Inflater moved(std::move(inflater));
  CHECK(inflated(moved, hello, {.size_max = 10}) == Outcome{"Hello"});
}
