#include "frame/deflate_output.h"

#include <cassert>
#include <cstring>
#include <utility>

namespace ringcast::frame {

void DeflateOutput::grow_slow(std::size_t used, std::size_t capacity) {
  assert(used <= capacity_);
  assert(capacity > used);
  auto bytes = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
  if (used > 0) std::memcpy(bytes.get(), bytes_.get(), used);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
}

void DeflateOutput::forget() noexcept {
  if (capacity_ <= kKeptSizeMax) return;
  bytes_.reset();
  capacity_ = 0;
}

}  // namespace ringcast::frame
