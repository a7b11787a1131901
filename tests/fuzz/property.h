// The properties that fuzzing tries to break, one function for each target.
//
// Called by: libfuzzer.cc with what libFuzzer invents (clang, preset fuzz), and by replay_test.cc with every file of
// tests/fuzz/corpus/<target>/ in the ordinary suite. A broken property aborts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string_view>

#include "frame/bytes.h"

namespace ringcast::fuzz {

using frame::Bytes;

// Any cut of the stream gives the events of a naive parser that sees all of it; what was read, written and read again
// is the same.
void check_frame_parser(Bytes input);

// What the naive inflater inflates, ours does, up to its limit and with a kept context too; what one refuses, both do.
void check_frame_inflate(Bytes input);

// What was compressed, at any window and level and with either context, is inflated to itself by the naive inflater
// too.
void check_frame_deflate(Bytes input);

// An offer that is accepted is answered as the client that made it must have it; any answer is taken or refused.
void check_deflate_offer(Bytes input);

// Any cut gives the same head, body and error; a head that was read, written and read again is the same.
void check_http_request(Bytes input);

// What was split, decoded, encoded and decoded again is the same, and is UTF-8 without NUL.
void check_url(Bytes input);

// The client takes what the server answers to whatever handshake the server takes; the server takes the client's.
void check_handshake(Bytes input);

// A token that is taken is the one token of its checkpoint; a checkpoint that was written is read back the same.
void check_checkpoint_token(Bytes input);

// Nobody makes a token without the key; what an issuer signs allows valid filters; a file of keys is taken or refused.
void check_token(Bytes input);

// Trie and walk find for each filter and topic what the reference matches; what is valid keeps every limit.
void check_topic_names(Bytes input);

// What is taken is written and read back the same, in both forms; libprotobuf sees the same in it. What is refused can
// be told.
void check_proto_request(Bytes input);

// What is taken is written and read back the same, in both forms. What is refused can be told.
void check_json_request(Bytes input);

// The same of events, as clients read them; JSON if the first byte is a brace.
void check_event(Bytes input);

// Any cut of what comes on a connection of the operators' port is answered the same, and asks what keeps every limit.
void check_admin(Bytes input);

// Any cut of a client's stream through a whole broker gives the same answers and the same messages; nothing of it is
// left afterwards, and others are served meanwhile (session.cc).
void check_session(Bytes input);

inline void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: property broken in %s\n", where.file_name(), where.line(), where.function_name());
  std::abort();
}

// Takes the front off the input, for choices; nothing when there is no more.
[[nodiscard]] inline std::uint8_t take_byte(Bytes& input) {
  if (input.empty()) return 0;
  const std::uint8_t byte = input.front();
  input = input.subspan(1);
  return byte;
}

// Sizes of pieces to cut an input into: many small, some large, decided by a seed.
class Cuts {
 public:
  explicit Cuts(std::uint8_t seed) noexcept : state_(seed) {}

  [[nodiscard]] std::size_t next(std::size_t left) noexcept {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX generator
    const auto random = static_cast<std::size_t>(state_ >> 33);
    const std::size_t size = random % 4 == 0 ? random / 4 % 1000 : random / 4 % 8;
    return size < left ? size : left;
  }

 private:
  std::uint64_t state_;
};

}  // namespace ringcast::fuzz
