#include "broker/accept_encoding.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace ringcast::broker {

namespace {

constexpr std::array<std::string_view, 2> kCodings{"br", "gzip"};

std::string chosen(std::string_view accept, std::span<const std::string_view> codings = kCodings) {
  frame::Fields fields;
  if (accept != "-") fields.add({.name = "Accept-Encoding", .value = accept});
  const int index = choose_coding(fields, codings);
  return index < 0 ? "identity" : std::string(codings[static_cast<std::size_t>(index)]);
}

}  // namespace

TEST_CASE("Accept-Encoding chooses by weight, then the best; and nothing where it asks for nothing") {
  struct Case {
    const char* accept;
    const char* chosen;
  };
  for (const auto& [accept, expected] :
       {Case{"-", "identity"}, Case{"", "identity"}, Case{"gzip", "gzip"}, Case{"x-gzip", "gzip"}, Case{"GZIP", "gzip"},
        Case{"gzip, deflate, br, zstd", "br"}, Case{"gzip, br;q=0.9", "gzip"}, Case{"gzip;q=0.001, br;q=0", "gzip"},
        Case{"gzip;q=0", "identity"}, Case{"gzip;q=0.000", "identity"}, Case{"gzip ; Q=1.000", "gzip"}, Case{"*", "br"},
        Case{"*;q=0", "identity"}, Case{"*;q=0.5, br;q=0", "gzip"}, Case{"br;q=0.5, *;q=0.6", "gzip"},
        Case{"identity", "identity"}, Case{"identity, gzip;q=0.5", "identity"},
        Case{"identity;q=0.5, gzip;q=0.5", "gzip"}, Case{"identity;q=0.5, gzip;q=0.6", "gzip"},
        Case{"deflate", "identity"}, Case{"gzipped", "identity"},
        // A weight that is none says nothing.
        Case{"gzip;q=1.001", "identity"}, Case{"gzip;q=2", "identity"}, Case{"gzip;q=-1", "identity"},
        Case{"gzip;q=0.1234", "identity"}, Case{"gzip;q=.5", "identity"}, Case{"gzip;q=", "identity"},
        Case{"gzip;level=9", "identity"}, Case{"gzip;q=x, br;q=0.1", "br"}}) {
    CHECK_MESSAGE(chosen(accept) == expected, accept);
  }
  CHECK(chosen("br", std::span(kCodings).subspan(1)) == "identity");
  CHECK(chosen("br, gzip", {}) == "identity");
}

}  // namespace ringcast::broker
