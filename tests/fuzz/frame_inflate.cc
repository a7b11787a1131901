#include "frame/inflate.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>

#include "frame/utf8.h"
#include "tests/frame/naive_inflate.h"
#include "tests/fuzz/property.h"

namespace ringcast::fuzz {

namespace {

using namespace frame;

void check_limits(Inflater& inflater, Bytes payload, const std::string& expected) {
  const std::size_t size = expected.size();
  require(inflater.inflate(payload, {.size_max = size}).has_value());
  if (size == 0) return;
  const auto over = inflater.inflate(payload, {.size_max = size - 1});
  require(!over && over.error() == Error::message_too_big);
}

}  // namespace

void check_frame_inflate(Bytes input) {
  const std::uint8_t choice = take_byte(input);
  // Memory that ends with the payload, so that the address sanitizer sees a read past it.
  const auto memory = std::make_unique<std::uint8_t[]>(input.size());
  if (!input.empty()) std::memcpy(memory.get(), input.data(), input.size());
  const Bytes payload(memory.get(), input.size());

  const std::string_view window = choice % 2 == 0 ? "" : "what the message before left";
  const auto expected = naive_inflate(as_text(payload), window);
  Inflater inflater({.context = choice % 2 == 0 ? Context::dropped : Context::kept});
  if (!window.empty()) {
    std::string stored{'\0', static_cast<char>(window.size()), '\0', static_cast<char>(~window.size()), '\xff'};
    stored.append(window).push_back('\0');
    require(inflater.inflate(as_bytes(stored), {.size_max = 100}).has_value());
  }
  const auto got = inflater.inflate(payload, {.size_max = std::size_t{1} << 30});
  require(got.has_value() == expected.has_value());
  require(got ? as_text(*got) == *expected : got.error() == Error::invalid_deflate);
  if (!got || !window.empty()) return;
  check_limits(inflater, payload, *expected);
  const auto text = inflater.inflate(payload, {.content = Inflater::Content::text, .size_max = expected->size()});
  require(text.has_value() == is_utf8(as_bytes(*expected)));
}

}  // namespace ringcast::fuzz
