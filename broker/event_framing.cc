#include "broker/event_framing.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>

namespace ringcast::broker {

namespace {

// The size in hexadecimal digits and a line break.
struct ChunkHead {
  std::array<char, 10> text{};
  std::size_t size = 0;
};

ChunkHead chunk_head(std::size_t size) {
  ChunkHead head;
  char* const end = std::to_chars(head.text.begin(), head.text.end() - 2, size, 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  head.size = static_cast<std::size_t>(end + 2 - head.text.begin());
  return head;
}

}  // namespace

Span write_event(Protocol protocol, Bytes event, const FrameRecord& record, SegmentWriter& writer) {
  assert(is_event_stream(protocol));
  assert(!event.empty());  // an empty chunk would end the body
  const bool chunked = is_chunked(protocol);
  const ChunkHead head = chunked ? chunk_head(event.size()) : ChunkHead{};
  const auto size = static_cast<std::uint32_t>(head.size + event.size() + (chunked ? 2 : 0));
  writer.begin(size);
  auto out = writer.frame(size, record).begin();
  out = std::copy_n(head.text.begin(), head.size, out);
  out = std::ranges::copy(event, out).out;
  if (chunked) {
    *out++ = '\r';
    *out++ = '\n';
  }
  return writer.finish();
}

}  // namespace ringcast::broker
