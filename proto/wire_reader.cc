#include "proto/wire_reader.h"

namespace ringcast::proto {

namespace {

constexpr int kGroupDepthMax = 100;  // as libprotobuf: deeper is an attack on who reads recursively

}  // namespace

void WireReader::fail() noexcept {
  broken_ = true;
  at_ = end_;
}

std::uint64_t WireReader::varint_slow() noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
    const std::uint64_t byte = *at_++;
    if (shift == 63 && byte > 1) break;  // the tenth byte holds the 64th bit and nothing else
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  fail();
  return 0;
}

void WireReader::skip() noexcept {
  switch (type_) {
    case WireType::varint:
      (void)varint();
      return;
    case WireType::fixed64:
      return skip_bytes(8);
    case WireType::bytes:
      (void)bytes();
      return;
    case WireType::group_begin:
      return skip_group();
    case WireType::group_end:
      return fail();  // of a group that never began
    case WireType::fixed32:
      return skip_bytes(4);
  }
}

void WireReader::skip_group() noexcept {
  std::uint32_t open[kGroupDepthMax];
  int depth = 0;
  open[depth++] = number_;
  while (depth > 0) {
    if (!next()) return fail();
    if (type_ == WireType::group_begin) {
      if (depth == kGroupDepthMax) return fail();
      open[depth++] = number_;
    } else if (type_ == WireType::group_end) {
      if (open[--depth] != number_) return fail();
    } else {
      skip();
    }
  }
}

}  // namespace ringcast::proto
