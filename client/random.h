// Random: the kernel's random bytes, taken some thousand at a time.
//
// RFC 6455 §5.3 wants masks that no script in a page can foresee, §4.1 a new key for each connection; a call to the
// kernel for each message would cost more than the message. Thread: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "frame/handshake.h"
#include "frame/header.h"

namespace ringcast::client {

class Random {
 public:
  [[nodiscard]] frame::MaskKey mask();
  [[nodiscard]] frame::Nonce nonce();

  // A number from 0 to below 1.
  [[nodiscard]] double uniform();

 private:
  void fill(std::span<std::uint8_t> out);

  static constexpr std::size_t kPoolSize = 4096;  // bytes: a call to the kernel for 1,024 masks

  std::array<std::uint8_t, kPoolSize> pool_;
  std::size_t used_ = kPoolSize;
};

}  // namespace ringcast::client
