// The naive inflater: RFC 1951 line by line, a bit at a time, without zlib and without limits. What frame::Inflater is
// judged by, in tests and in fuzzing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringcast::frame {

// Inflates the payload of a compressed message by RFC 7692 §7.2.2: adds the tail unless the blocks end with the
// payload. `window`: what earlier messages left to refer to. Nothing if it is not DEFLATE.
[[nodiscard]] std::optional<std::string> naive_inflate(std::string_view payload, std::string_view window = {});

// Writes DEFLATE by hand: bits from the least significant on, Huffman codes from their first bit on (§3.1.1).
class BitWriter {
 public:
  BitWriter& bits(unsigned value, unsigned count);    // a number
  BitWriter& code(unsigned value, unsigned count);    // a Huffman code
  BitWriter& fixed(unsigned symbol);                  // a literal or length symbol in the fixed code (§3.2.6)
  BitWriter& header(unsigned bfinal, unsigned btype)  // §3.2.3
  {
    return bits(bfinal, 1).bits(btype, 2);
  }
  BitWriter& align();  // to the next byte
  BitWriter& raw(std::string_view bytes);
  BitWriter& stored(std::string_view bytes, unsigned bfinal = 0);  // a whole stored block (§3.2.4)
  [[nodiscard]] std::string text() const { return text_; }

 private:
  std::string text_;
  unsigned used_ = 8;  // bits of the last byte
};

}  // namespace ringcast::frame
