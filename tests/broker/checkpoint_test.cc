#include "broker/checkpoint.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace ringcast::broker {

namespace {

std::string token_of(const Checkpoint& checkpoint) {
  std::string token;
  append_token(checkpoint, token);
  return token;
}

}  // namespace

TEST_CASE("checkpoint: a token read is the checkpoint written, at every size and limit") {
  std::mt19937_64 random(7);
  for (std::uint32_t origins = 0; origins <= topics::kShardsMax; ++origins) {
    Checkpoint checkpoint{.epoch = random(), .positions = {}};
    for (std::uint32_t origin = 0; origin < topics::kShardsMax && checkpoint.positions.size() < origins; ++origin) {
      if (origins < topics::kShardsMax && random() % 3 == 0) continue;
      const std::uint64_t position = origin % 5 == 0   ? 0
                                     : origin % 5 == 1 ? kPositionMax
                                                       : random() >> (1 + random() % 63);
      checkpoint.positions.push_back({.origin = origin, .position = position});
    }
    const std::string token = token_of(checkpoint);
    CHECK(token.size() <= kResumeTokenSizeMax);
    const auto read = read_token(token);
    REQUIRE(read.has_value());
    CHECK(*read == checkpoint);
  }
}

TEST_CASE("checkpoint: the longest token is as long as is said") {
  Checkpoint checkpoint{.epoch = UINT64_MAX, .positions = {}};
  for (std::uint32_t origin = 0; origin < topics::kShardsMax; ++origin) {
    checkpoint.positions.push_back({.origin = origin, .position = kPositionMax});
  }
  const std::string token = token_of(checkpoint);
  CHECK(token.size() == kResumeTokenSizeMax);
  CHECK(read_token(token) == checkpoint);
  CHECK(!read_token(token + "A"));
}

TEST_CASE("checkpoint: a token is short where little is to be said, and stands in a header") {
  const std::string token =
      token_of({.epoch = 0x0123456789abcdef, .positions = {{.origin = 3, .position = 1'000'000}}});
  CHECK(token == "AQEjRWeJq83vA8CEPQ");
  CHECK(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
        std::string::npos);
}

TEST_CASE("checkpoint: every other text is refused") {
  struct Row {
    std::string token;
    const char* why;
  };
  const Row rows[] = {
      {"", "nothing"},
      {"A", "less than a byte"},
      {"AQ", "no epoch"},
      {"AQEjRWeJq83", "a byte of the epoch is missing"},
      {"AgEjRWeJq83vA8CEPQ", "version 2"},
      {"AQEjRWeJq83vA8CEPQ=", "padding"},
      {"AQEjRWeJq83vA8CEPR", "bits that no byte has"},
      {"AQEjRWeJq83vA8CEPQA", "a character is left over"},
      {"AQEjRWeJq83vA8CEP+", "plain base64's alphabet"},
      {"AQEjRWeJq83vA8CEP ", "a space"},
      {"AQEjRWeJq83vAw", "an origin without a position"},
      {"AQEjRWeJq83vA8CE", "a position that does not end"},
      {"AQEjRWeJq83vA4AA", "a position with a spare byte"},
      {"AQEjRWeJq83vQAE", "origin 64"},
      {"AQEjRWeJq83vAwEDAQ", "an origin twice"},
      {"AQEjRWeJq83vAwECAQ", "origins that fall"},
      {"AQEjRWeJq83vA_____________8B", "a position of 64 bits"},
      {std::string(1, '\0') + "QEjRWeJq83v", "NUL"},
      {std::string(100'000, 'A'), "far too long"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(!read_token(row.token));
  }
  CHECK(read_token("AQEjRWeJq83v"));  // no origin is a checkpoint too
}

TEST_CASE("checkpoint: a token cut anywhere, or with any character changed, is never taken for the same") {
  const Checkpoint checkpoint{.epoch = 0x0123456789abcdef,
                              .positions = {{.origin = 0, .position = 5}, {.origin = 63, .position = kPositionMax}}};
  const std::string token = token_of(checkpoint);
  for (std::size_t size = 0; size < token.size(); ++size) {
    const auto read = read_token(std::string_view(token).substr(0, size));
    CHECK((!read || *read != checkpoint));
  }
  for (std::size_t at = 0; at < token.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string other = token;
      other[at] = static_cast<char>(c);
      if (other == token) continue;
      const auto read = read_token(other);
      const bool same = read.has_value() && *read == checkpoint;
      REQUIRE(!same);
    }
  }
}

TEST_CASE("checkpoint: the position of an origin that is not in it is not known") {
  const Checkpoint checkpoint{.epoch = 1, .positions = {{.origin = 2, .position = 0}}};
  CHECK(checkpoint.position_of(2) == 0U);
  CHECK(!checkpoint.position_of(1));
}

}  // namespace ringcast::broker
