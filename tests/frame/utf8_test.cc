#include "frame/utf8.h"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

using namespace ringcast::frame;

namespace {

using Encoded = std::vector<std::uint8_t>;

// RFC 3629 §3, by its table.
Encoded encode(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) { return static_cast<std::uint8_t>(value); };
  const auto tail = [&](unsigned shift) { return byte(0x80 | ((point >> shift) & 0x3f)); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | point >> 6), tail(0)};
  if (point < 0x10000) return {byte(0xe0 | point >> 12), tail(6), tail(0)};
  return {byte(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
}

std::uint32_t number_of(Bytes bytes) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return number;
}

// The naive judge: it knows every character by encoding it, and so every beginning of one.
class Judge {
 public:
  Judge() {
    for (std::size_t size = 1; size <= 3; ++size) begins_[size - 1].resize(std::size_t{1} << (8 * size));
    for (std::uint32_t point = 0; point <= 0x10ffff; ++point) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const Encoded encoded = encode(point);
      for (std::size_t size = 1; size < encoded.size(); ++size) {
        begins_[size - 1][number_of(Bytes(encoded).first(size))] = true;
      }
      if (encoded.size() < 4) ends_[encoded.size() - 1].resize(begins_[encoded.size() - 1].size());
      if (encoded.size() < 4) ends_[encoded.size() - 1][number_of(encoded)] = true;
    }
  }

  // How many bytes of `bytes` can begin a valid text, and whether it could end after them.
  struct Verdict {
    std::size_t good = 0;
    bool complete = true;
  };
  [[nodiscard]] Verdict judge(Bytes bytes) const {
    std::size_t start = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      const Bytes character = bytes.subspan(start, at + 1 - start);
      if (is_whole(character)) {
        start = at + 1;
      } else if (character.size() > 3 || !begins_[character.size() - 1][number_of(character)]) {
        return {.good = at, .complete = start == at};
      }
    }
    return {.good = bytes.size(), .complete = start == bytes.size()};
  }

 private:
  // Four bytes are a character if three begin one and the last is a continuation byte.
  [[nodiscard]] bool is_whole(Bytes bytes) const {
    if (bytes.size() < 4) return ends_[bytes.size() - 1][number_of(bytes)];
    return begins_[2][number_of(bytes.first(3))] && bytes[3] >= 0x80 && bytes[3] <= 0xbf;
  }

  std::array<std::vector<bool>, 3> begins_;
  std::array<std::vector<bool>, 3> ends_;
};

const Judge& judge() {
  static const Judge instance;
  return instance;
}

// Adds every byte to a beginning of a character, and counts where `begun` and the judge disagree. Beginnings that are
// wrong or whole are not added to: what follows a whole character is the case of the empty beginning.
std::size_t disagreements(const Encoded& beginning, Utf8 begun) {
  std::size_t count = 0;
  Encoded longer = beginning;
  longer.push_back(0);
  for (unsigned byte = 0; byte < 256; ++byte) {
    longer.back() = static_cast<std::uint8_t>(byte);
    const Judge::Verdict verdict = judge().judge(longer);
    const bool good = verdict.good == longer.size();
    Utf8 utf8 = begun;
    count += utf8.feed(Bytes(longer).last(1)) != good;
    count += good && utf8.complete() != verdict.complete;
    if (good && !verdict.complete) count += disagreements(longer, utf8);
  }
  return count;
}

// Compares feed() with the judge: whole, and byte by byte, where it must fail at the very byte.
void require_as_judged(Bytes bytes) {
  const Judge::Verdict verdict = judge().judge(bytes);
  const bool good = verdict.good == bytes.size();
  Utf8 whole;
  REQUIRE(whole.feed(bytes) == good);
  REQUIRE((whole.complete() && good) == (good && verdict.complete));
  Utf8 by_bytes;
  for (std::size_t at = 0; at < bytes.size(); ++at) REQUIRE(by_bytes.feed(bytes.subspan(at, 1)) == (at < verdict.good));
}

}  // namespace

TEST_CASE("Utf8 agrees with a naive judge on every sequence of one to four bytes") {
  CHECK(disagreements({}, {}) == 0);
}

TEST_CASE("Utf8 takes every character there is") {
  std::size_t refused = 0;
  for (std::uint32_t point = 0; point <= 0x10ffff; ++point) {
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    refused += is_utf8(encode(point)) == surrogate;
  }
  CHECK(refused == 0);
}

TEST_CASE("Utf8 finds one wrong byte anywhere in a long text, however the blocks of ASCII fall") {
  const std::string ascii(100, 'a');
  for (std::size_t at = 0; at < ascii.size(); ++at) {
    std::string wrong = ascii;
    wrong[at] = '\xff';
    CHECK_FALSE(is_utf8(as_bytes(wrong)));
    std::string euro = ascii;
    euro.insert(at, "€");
    CHECK(is_utf8(as_bytes(euro)));
    require_as_judged(as_bytes(euro.substr(0, at + 2)));
  }
}

TEST_CASE("Utf8 gives the same answer for any cut of a random text") {
  constexpr unsigned kSeed = 20261121;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 2000; ++round) {
    Encoded text;
    while (text.size() < 80) {
      const auto point = static_cast<std::uint32_t>(random() % (random() % 2 == 0 ? 0x80 : 0x110000));
      const Encoded encoded = encode(point);  // some are surrogates: wrong
      if (point < 0xd800 || point > 0xdfff || random() % 16 == 0)
        text.insert(text.end(), encoded.begin(), encoded.end());
    }
    if (random() % 2 == 0) text[random() % text.size()] = static_cast<std::uint8_t>(random());
    require_as_judged(text);
    const std::size_t cut = random() % text.size();
    Utf8 pieces;
    const bool good = pieces.feed(Bytes(text).first(cut)) && pieces.feed(Bytes(text).subspan(cut));
    REQUIRE((good && pieces.complete()) == is_utf8(text));
  }
}

TEST_CASE("Utf8 agrees with the naive judge on long texts, cut anywhere and damaged anywhere") {
  std::string text;
  while (text.size() < 150) text += "z\u00df\u6c34\U0001f30b";
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char wrong : {'\x80', '\xc0', '\xed', '\xf4', '\xff', 'a'}) {
      std::string damaged = text;
      damaged[at] = wrong;
      require_as_judged(as_bytes(damaged));
    }
    require_as_judged(as_bytes(text.substr(0, at)));
    Utf8 pieces;
    REQUIRE(pieces.feed(as_bytes(text.substr(0, at))));
    REQUIRE(pieces.feed(as_bytes(text.substr(at))));
    REQUIRE(pieces.complete());
  }
}

TEST_CASE("Utf8 stays failed") {
  Utf8 utf8;
  CHECK_FALSE(utf8.feed(as_bytes("\xff")));
  CHECK_FALSE(utf8.feed(as_bytes("a")));
  CHECK_FALSE(utf8.feed({}));
  CHECK_FALSE(utf8.complete());
}
