// What a parser of heads (RequestParser, ResponseParser) makes of an input, whole and cut at every place.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "frame/http_error.h"

namespace ringcast::frame::test {

// What became of an input: the end and its place, or that it was not enough.
template <typename Parser>
struct HeadOutcome {
  typename Parser::Step::Kind kind = Parser::Step::Kind::need_more;
  std::size_t consumed = 0;
  std::optional<HttpError> error;

  friend bool operator==(const HeadOutcome&, const HeadOutcome&) = default;
};

// Gives the parser `piece` bytes at a time, each in memory of their own.
template <typename Parser>
HeadOutcome<Parser> parse(Parser& parser, std::string_view input, std::size_t piece) {
  using Kind = typename Parser::Step::Kind;
  HeadOutcome<Parser> outcome;
  while (!input.empty() && outcome.kind == Kind::need_more) {
    const std::vector<std::uint8_t> in(input.begin(), input.begin() + static_cast<long>(std::min(piece, input.size())));
    const auto step = parser.next(in);
    REQUIRE(step.consumed <= in.size());
    REQUIRE((step.kind != Kind::need_more || step.consumed == in.size()));
    outcome.kind = step.kind;
    outcome.consumed += step.consumed;
    if (step.kind == Kind::failed) outcome.error = step.error;
    input.remove_prefix(step.consumed);
  }
  return outcome;
}

// The same by parsers that `make` makes, whole and in pieces of many sizes: which must not matter.
template <typename MakeParser>
auto parse_all_ways(std::string_view input, MakeParser make) {
  auto whole = make();
  const auto outcome = parse(whole, input, input.size());
  for (std::size_t piece = 1; piece < input.size(); piece += 1 + piece / 8) {
    CAPTURE(piece);
    auto parser = make();
    CHECK(parse(parser, input, piece) == outcome);
  }
  return outcome;
}

}  // namespace ringcast::frame::test
