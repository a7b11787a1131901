#include "broker/compressor.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace ringcast::broker {

Compression Compressor::window_slow(std::size_t payload_size, Compression agreed) noexcept {
  if (payload_size > kAtOnceMax) return Compression::none;
  // A payload refers to nothing further back than its own beginning: whoever has a window that holds all of it can read
  // what was compressed with a larger one. 2^12 is the least that serves well: with 2^9 zlib looks back 250 bytes.
  const auto fits = [&](Compression window) { return payload_size <= std::size_t{1} << window_bits(window); };
  if (fits(Compression::window9)) return Compression::window12;
  if (agreed != Compression::window9 && fits(Compression::window12)) return Compression::window12;
  return agreed;
}

Encoded Compressor::compress(const Encoded& encoded, Compression window) {
  assert(window != Compression::none);
  std::optional<frame::Deflater>& deflater = deflaters_[static_cast<std::size_t>(window)];
  if (!deflater) deflater.emplace(frame::Deflater::Options{.window_bits = window_bits(window)});
  const Bytes deflated = deflater->deflate(encoded.payload);
  const bool smaller = deflated.size() < encoded.payload.size();
  cost_bytes_ += encoded.payload.size();
  count(encoded.payload.size(), smaller ? deflated.size() : encoded.payload.size());
  return smaller ? Encoded{.kind = encoded.kind, .payload = deflated, .compressed = true} : encoded;
}

void Compressor::count(std::size_t before, std::size_t after) noexcept {
  ++counters_.messages;
  counters_.bytes_before += before;
  counters_.bytes_after += after;
}

void Compressor::keep_for(std::uint32_t agreed) noexcept {
  const auto deflater = [&](Compression window) -> auto& { return deflaters_[static_cast<std::size_t>(window)]; };
  if ((agreed & compression_bit(Compression::window9)) == 0) deflater(Compression::window9).reset();
  if ((agreed & compression_bit(Compression::window15)) == 0) deflater(Compression::window15).reset();
  if (agreed == compression_bit(Compression::none))
    deflater(Compression::window12).reset();  // which serves all of them
}

std::size_t Compressor::open_windows() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(deflaters_, [](const auto& one) { return one.has_value(); }));
}

std::uint32_t Compressor::take_cost() noexcept {
  const std::size_t appends = cost_bytes_ / kBytesPerAppend;
  cost_bytes_ %= kBytesPerAppend;
  return static_cast<std::uint32_t>(std::min<std::size_t>(appends, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace ringcast::broker
