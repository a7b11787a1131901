#include "broker/encoding.h"

#include <doctest/doctest.h>
#include <cstddef>
#include <vector>

using namespace ringcast::broker;

TEST_CASE("each protocol and compression has an encoding of its own, below kEncodings") {
  std::vector<bool> taken(kEncodings, false);
  for (std::size_t p = 0; p < kProtocols; ++p) {
    const auto protocol = static_cast<Protocol>(p);
    for (std::size_t c = 0; c < (p < kWebSocketProtocols ? kCompressions : 1); ++c) {
      const auto compression = static_cast<Compression>(c);
      const Encoding encoding = encoding_of(protocol, compression);
      CAPTURE(encoding);
      REQUIRE(encoding < kEncodings);
      CHECK_FALSE(taken[encoding]);
      taken[encoding] = true;
      CHECK(protocol_of(encoding) == protocol);
      CHECK(compression_of(encoding) == compression);
    }
  }
  CHECK(taken == std::vector<bool>(kEncodings, true));
}

TEST_CASE("compression_within is the largest of our windows that the peer's can read") {
  CHECK(compression_within(8) == Compression::none);  // zlib cannot compress for 256 bytes
  CHECK(compression_within(9) == Compression::window9);
  CHECK(compression_within(11) == Compression::window9);
  CHECK(compression_within(12) == Compression::window12);
  CHECK(compression_within(14) == Compression::window12);
  CHECK(compression_within(15) == Compression::window15);
}
