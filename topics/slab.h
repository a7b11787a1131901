// Slab: values with stable addresses, named by small indices that are used again.
//
// It grows by chunks and never moves a value, so that a million topics grow without a pause to copy them.
// A freed value stays as it is: its user clears it and keeps in it what must survive, as a generation.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace ringcast::topics {

// T is default-initialisable; not said as a concept, which a class nested in its user cannot answer before that is
// complete.
template <typename T>
class Slab {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  // The index of a free value: as its last user left it, or T{}.
  [[nodiscard]] std::uint32_t take() {
    if (!free_.empty()) {
      const std::uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    assert(end_ != kNone);
    if (end_ % kChunk == 0) chunks_.push_back(std::make_unique<T[]>(kChunk));
    return end_++;
  }

  // Requires: `index` was taken and not given back since.
  void give_back(std::uint32_t index) {
    assert(index < end_);
    free_.push_back(index);
  }

  [[nodiscard]] T& operator[](std::uint32_t index) noexcept {
    assert(index < end_);
    return chunks_[index / kChunk][index % kChunk];
  }
  [[nodiscard]] const T& operator[](std::uint32_t index) const noexcept {
    assert(index < end_);
    return chunks_[index / kChunk][index % kChunk];
  }

  [[nodiscard]] std::size_t size() const noexcept { return end_ - free_.size(); }  // values in use
  [[nodiscard]] std::uint32_t end() const noexcept { return end_; }  // one past the highest index ever used

 private:
  static constexpr std::uint32_t kChunk = 64;  // values: small enough for the many tables that stay small

  std::vector<std::unique_ptr<T[]>> chunks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t end_ = 0;
};

}  // namespace ringcast::topics
