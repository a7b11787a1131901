// DeflateOutput: the memory that a Deflater or an Inflater writes its messages into, one after the other.
//
// Memory: none before the first message; then at least the size of the largest, until forget() gives it back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ringcast::frame {

// What a flush ends with, which is not sent and the receiver adds again: LEN and NLEN of an empty stored block
// (RFC 7692 §7.2.1, §7.2.2).
inline constexpr std::array<std::uint8_t, 4> kDeflateTail{0x00, 0x00, 0xff, 0xff};

class DeflateOutput {
 public:
  // What forget() keeps; bytes.
  static constexpr std::size_t kKeptSizeMax = std::size_t{64} * 1024;

  [[nodiscard]] std::uint8_t* data() const noexcept { return bytes_.get(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  // A larger one that begins with the `used` bytes of the one before.
  void grow_slow(std::size_t used, std::size_t capacity);
  // Gives a large one back.
  void forget() noexcept;

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t capacity_ = 0;
};

}  // namespace ringcast::frame
