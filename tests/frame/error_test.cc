#include "frame/error.h"

#include <doctest/doctest.h>

#include "frame/close.h"

using namespace ringcast::frame;

TEST_CASE("every error has a close code that may be sent, and a text that fits a close reason") {
  for (unsigned value = 1; value <= static_cast<unsigned>(Error::message_too_big); ++value) {
    const Error error{static_cast<std::uint8_t>(value)};
    CAPTURE(value);
    CHECK(is_sendable_close_code(close_status(error)));
    CHECK_FALSE(text(error).empty());
    CHECK(text(error).size() <= 100);
  }
}

TEST_CASE("close_status tells bad text and too big apart from a broken protocol (§7.4.1)") {
  CHECK(close_status(Error::invalid_utf8) == 1007);
  CHECK(close_status(Error::message_too_big) == 1009);
  CHECK(close_status(Error::close_code) == 1002);
}
