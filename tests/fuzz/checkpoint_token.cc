// The input is a token that a client brings back; and, read as numbers, a checkpoint to make one of.
#include "broker/checkpoint.h"

#include "tests/fuzz/property.h"

namespace ringcast::fuzz {

namespace {

using broker::Checkpoint;

std::string token_of(const Checkpoint& checkpoint) {
  std::string token;
  broker::append_token(checkpoint, token);
  return token;
}

void check_token(std::string_view token) {
  const auto checkpoint = broker::read_token(token);
  if (!checkpoint) return;
  require(token.size() <= broker::kResumeTokenSizeMax);
  require(checkpoint->positions.size() <= topics::kShardsMax);
  require(token_of(*checkpoint) == token);  // there is one token for a checkpoint
}

std::uint64_t take_word(Bytes& input) {
  std::uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word = word << 8U | take_byte(input);
  return word;
}

void check_checkpoint(Bytes input) {
  Checkpoint checkpoint{.epoch = take_word(input), .positions = {}};
  for (std::uint32_t origin = take_byte(input); origin < topics::kShardsMax && !input.empty();
       origin += 1U + take_byte(input)) {
    const unsigned bits = take_byte(input) % 64;
    checkpoint.positions.push_back({.origin = origin, .position = take_word(input) >> 1U >> bits});
  }
  const std::string token = token_of(checkpoint);
  require(broker::read_token(token) == checkpoint);
}

}  // namespace

void check_checkpoint_token(Bytes input) {
  check_token(frame::as_text(input));
  check_checkpoint(input);
}

}  // namespace ringcast::fuzz
