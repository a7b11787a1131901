#include "frame/deflate.h"

#include <string>

#include "frame/inflate.h"
#include "tests/frame/naive_inflate.h"
#include "tests/fuzz/property.h"

namespace ringcast::fuzz {

void check_frame_deflate(Bytes input) {
  using namespace frame;
  const std::uint8_t choice = take_byte(input);
  Cuts cuts(take_byte(input));
  const auto bits = static_cast<std::uint8_t>(kDeflateWindowBitsMin + choice % 7);
  const Context context = choice / 7 % 2 == 0 ? Context::dropped : Context::kept;
  Deflater deflater({.window_bits = bits, .context = context, .level = 1 + choice / 14 % 9});
  Inflater inflater({.window_bits = bits, .context = context});
  std::string before;
  for (;;) {
    const Bytes message = input.first(cuts.next(input.size()));
    input = input.subspan(message.size());
    const std::string deflated(as_text(deflater.deflate(message)));
    const auto inflated = inflater.inflate(as_bytes(deflated), {.size_max = message.size()});
    require(inflated && as_text(*inflated) == as_text(message));
    require(naive_inflate(deflated, context == Context::kept ? before : "") == as_text(message));
    before += as_text(message);
    if (input.empty()) return;
  }
}

}  // namespace ringcast::fuzz
