#include "broker/compressor.h"

#include <doctest/doctest.h>
#include <random>
#include <string>
#include <vector>

#include "frame/inflate.h"

namespace ringcast::broker {

namespace {

using enum Compression;

constexpr unsigned kSeed = 20261121;

Bytes as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Encoded encoded(const std::string& text) {
  return {.kind = FrameKind::text, .payload = as_bytes(text)};
}

// Words, so that they repeat themselves at all distances.
std::string words(std::size_t size) {
  std::mt19937 random(kSeed);
  constexpr std::string_view kWords[] = {"{\"price\":", "19.2", "},", "quantity", "AAPL", "0", "venue"};
  std::string out;
  while (out.size() < size) out += kWords[random() % std::size(kWords)];
  out.resize(size);
  return out;
}

std::string noise(std::size_t size) {
  std::mt19937 random(kSeed);
  std::string out(size, 0);
  for (char& byte : out) byte = static_cast<char>(random());
  return out;
}

}  // namespace

TEST_CASE("a payload is compressed from the threshold on") {
  const Compressor compressor(256);
  CHECK(compressor.window(255, window15) == none);
  CHECK(compressor.window(256, window15) != none);
  CHECK(compressor.window(256, none) == none);
  CHECK(Compressor(0).window(0, window15) != none);
}

TEST_CASE("a payload is compressed up to the size that a shard has time for") {
  const Compressor compressor(0);
  CHECK(compressor.window(Compressor::kAtOnceMax, window15) == window15);
  CHECK(compressor.window(Compressor::kAtOnceMax + 1, window15) == none);
}

TEST_CASE("subscribers share what the smaller of their windows can read") {
  const Compressor compressor(0);
  struct Row {
    std::size_t size;
    Compression for9;
    Compression for12;
    Compression for15;
  };
  for (const Row& row : {Row{512, window12, window12, window12}, Row{513, window9, window12, window12},
                         Row{4'096, window9, window12, window12}, Row{4'097, window9, window12, window15}}) {
    CAPTURE(row.size);
    CHECK(compressor.window(row.size, window9) == row.for9);
    CHECK(compressor.window(row.size, window12) == row.for12);
    CHECK(compressor.window(row.size, window15) == row.for15);
  }
}

TEST_CASE("what was compressed can be read with the window that was agreed to, at the sizes where windows change") {
  Compressor compressor(0);
  for (const Compression agreed : {window9, window12, window15}) {
    frame::Inflater inflater({.window_bits = window_bits(agreed)});
    for (const std::size_t size : {1U, 250U, 511U, 512U, 513U, 1000U, 4095U, 4096U, 4097U, 32767U, 32769U, 65536U}) {
      CAPTURE(size);
      const std::string payload = words(size);
      const Encoded written = compressor.compress(encoded(payload), compressor.window(size, agreed));
      if (!written.compressed) {
        CHECK(size < 30);
        continue;
      }
      CHECK(written.payload.size() < size);
      const auto inflated = inflater.inflate(written.payload, {.size_max = size});
      REQUIRE(inflated.has_value());
      CHECK(std::string(inflated->begin(), inflated->end()) == payload);
    }
  }
}

TEST_CASE("what would not become smaller stays as it is") {
  Compressor compressor(0);
  for (const std::size_t size : {0U, 1U, 5U, 300U, 10000U}) {
    CAPTURE(size);
    const std::string payload = noise(size);
    const Encoded written = compressor.compress(encoded(payload), compressor.window(size, window15));
    CHECK_FALSE(written.compressed);
    CHECK(written.payload.data() == as_bytes(payload).data());
    CHECK(written.payload.size() == size);
  }
  CHECK(compressor.counters().messages == 5);
  CHECK(compressor.counters().bytes_after == compressor.counters().bytes_before);
}

TEST_CASE("the cost of compressing is told once, in appends") {
  Compressor compressor(0);
  CHECK(compressor.take_cost() == 0);
  const std::string payload = words(3'000);
  (void)compressor.compress(encoded(payload), window12);
  CHECK(compressor.take_cost() == 1'000);
  CHECK(compressor.take_cost() == 0);
}

TEST_CASE("a window whose last subscriber has gone is given back, and made again when it is wanted") {
  Compressor compressor(0);
  const std::string payload = words(10'000);
  const auto deflate = [&](Compression window) { return compressor.compress(encoded(payload), window).compressed; };
  for (const Compression window : {window9, window12, window15}) CHECK(deflate(window));
  CHECK(compressor.open_windows() == 3);
  compressor.keep_for(compression_bit(none) | compression_bit(window15));
  CHECK(compressor.open_windows() == 2);  // small payloads of those with 15 bits go through the one of 12
  compressor.keep_for(compression_bit(none));
  CHECK(compressor.open_windows() == 0);
  CHECK(deflate(window15));
  CHECK(compressor.open_windows() == 1);
}

}  // namespace ringcast::broker
