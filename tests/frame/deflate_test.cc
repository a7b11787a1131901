#include "frame/deflate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "frame/inflate.h"
#include "tests/frame/naive_inflate.h"
#include "tests/frame/wire.h"
#include "tests/topics/count_allocations.h"

using namespace ringcast::frame;
using ringcast::topics::test::allocations;

namespace {

constexpr unsigned kSeed = 20261121;

// Text of few words, so that it can be compressed; or bytes of no order at all.
std::string random_payload(std::mt19937& random, std::size_t size) {
  constexpr std::string_view kWords[] = {"{\"px\":", "19.2", "},", "qty", "AAPL", "\xc3\xa9", "0", "  ", "\n"};
  const bool noise = random() % 4 == 0;
  std::string out;
  while (out.size() < size) {
    if (noise) out.push_back(static_cast<char>(random()));
    if (!noise) out += kWords[random() % std::size(kWords)];
  }
  out.resize(size);
  return out;
}

std::string_view view(Bytes bytes) {
  return as_text(bytes);
}

// For what a message leaves behind in the deflater.
void pass(Deflater& deflater, std::string_view payload) {
  static_cast<void>(deflater.deflate(as_bytes(payload)));
}

}  // namespace

TEST_CASE("deflate gives the examples of RFC 7692 §7.2.3") {
  Deflater deflater({.level = 6});
  CHECK(view(deflater.deflate(as_bytes("Hello"))) == bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}));  // §7.2.3.1
  CHECK(view(deflater.deflate({})) == bytes({0x00}));                                                     // §7.2.3.6
  Deflater keeping({.context = Context::kept, .level = 6});
  CHECK(view(keeping.deflate(as_bytes("Hello"))) == bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}));
  CHECK(view(keeping.deflate(as_bytes("Hello"))) == bytes({0xf2, 0x00, 0x11, 0x00, 0x00}));  // §7.2.3.2
  CHECK(view(keeping.deflate({})) == bytes({0x00}));
  CHECK(view(keeping.deflate({})) == bytes({0x00}));
}

TEST_CASE("deflating in steps inflates to the same, whatever the steps, also when nothing could be saved") {
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  Deflater at_once({});
  Deflater in_steps({});
  Inflater inflater({});
  for (int i = 0; i < 60; ++i) {
    const std::string payload = random_payload(random, 1 + random() % 200'000);
    const std::size_t step_max = 1 + random() % 70'000;
    in_steps.begin(as_bytes(payload));
    std::size_t steps = 1;
    while (!in_steps.step(step_max)) ++steps;
    CHECK(steps == (payload.size() + step_max - 1) / step_max);
    const auto inflated = inflater.inflate(in_steps.finished(), {.size_max = payload.size()});
    REQUIRE(inflated.has_value());
    CHECK(view(*inflated) == payload);
    CHECK(in_steps.finished().size() <= at_once.deflate(as_bytes(payload)).size() + 64);
  }
}

TEST_CASE("what was deflated inflates to itself, by our inflater and by the naive one, at every window and level") {
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  Inflater inflater({});
  for (std::uint8_t bits = kDeflateWindowBitsMin; bits <= kWindowBitsMax; ++bits) {
    for (const int level : {1, 3, 6, 9}) {
      Deflater deflater({.window_bits = bits, .level = level});
      Inflater small({.window_bits = bits});
      for (const std::size_t size : {0UL, 1UL, 2UL, 100UL, 600UL, 3000UL, 70'000UL}) {
        const std::string payload = random_payload(random, size);
        const std::string deflated(view(deflater.deflate(as_bytes(payload))));
        REQUIRE_FALSE(deflated.empty());
        for (Inflater* one : {&inflater, &small}) {
          const auto inflated = one->inflate(as_bytes(deflated), {.size_max = size});
          REQUIRE(inflated.has_value());
          REQUIRE(view(*inflated) == payload);
        }
        if (size <= 3000) REQUIRE(naive_inflate(deflated) == payload);
      }
    }
  }
}

TEST_CASE("no match reaches farther back than the window that was agreed (§7.1.2)") {
  // 600 bytes of noise, then the same again: only a window over 600 bytes can refer to the first ones.
  std::mt19937 random(kSeed);
  std::string noise;
  while (noise.size() < 600) noise.push_back(static_cast<char>(random()));
  Deflater large({.window_bits = 10});
  Deflater small({.window_bits = 9});
  CHECK(large.deflate(as_bytes(noise + noise)).size() < 700);
  CHECK(small.deflate(as_bytes(noise + noise)).size() > 1200);
}

TEST_CASE("a dropped context gives the same bytes each time, a kept one refers to earlier messages (§7.1.1)") {
  const std::string message = "The quick brown fox jumps over the lazy dog, 0123456789.";
  Deflater dropping({});
  const std::string first(view(dropping.deflate(as_bytes(message))));
  pass(dropping, "something else");
  CHECK(view(dropping.deflate(as_bytes(message))) == first);

  Deflater keeping({.context = Context::kept});
  CHECK(view(keeping.deflate(as_bytes(message))) == first);
  const std::string second(view(keeping.deflate(as_bytes(message))));
  CHECK(second.size() < 10);
  CHECK(naive_inflate(second, message) == message);
}

TEST_CASE("what cannot be compressed says so by its size") {
  std::mt19937 random(kSeed);
  std::string noise;
  while (noise.size() < 1000) noise.push_back(static_cast<char>(random()));
  Deflater deflater({});
  CHECK(deflater.deflate(as_bytes(noise)).size() > noise.size());
  CHECK(deflater.deflate(as_bytes(std::string(1000, 'x'))).size() < 20);
}

TEST_CASE("a Deflater takes memory once, gives a large output back, and none before it is used") {
  const std::uint64_t start = allocations();
  Deflater deflater({});
  CHECK(allocations() == start);
  const std::string small(1000, 'x');
  pass(deflater, small);
  const std::uint64_t before = allocations();
  for (int i = 0; i < 100; ++i) pass(deflater, small);
  CHECK(allocations() == before);
  pass(deflater, std::string(1'000'000, 'x'));
  CHECK(deflater.heap_size() > 1'000'000);
  deflater.forget();
  CHECK(deflater.heap_size() == 0);
}

TEST_CASE("a Deflater can be moved with its context") {
  Deflater first({.context = Context::kept});
  pass(first, "Hello, Hello");
  Deflater second(std::move(first));
  CHECK(second.deflate(as_bytes("Hello, Hello")).size() < 7);
}
