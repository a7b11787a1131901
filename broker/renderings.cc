#include "broker/renderings.h"

#include <bit>

#include "broker/framing.h"

namespace ringcast::broker {

namespace {

std::uint64_t hash_of(const topics::Message* message, Encoding encoding) {
  const auto address = std::bit_cast<std::uintptr_t>(message);
  return ((address ^ std::uint64_t{encoding} << 56U) * 0x9e37'79b9'7f4a'7c15U) >> 32U;
}

}  // namespace

Renderings::Renderings(SegmentPool& segments, Compressor& compressor, const topics::LatestTable& table)
    : segments_(segments), compressor_(compressor), table_(table) {
  for (auto& writer : writers_) writer = std::make_unique<SegmentWriter>(segments);
}

Renderings::~Renderings() {
  clear();
}

void Renderings::clear() {
  for (std::uint32_t i = 0; i < renderings_.size(); ++i) {
    const Rendering& rendering = renderings_[i];
    index_.erase(hash_of(rendering.message, rendering.encoding), i);
    if (rendering.span.segment != nullptr) segments_.release(rendering.span.segment);
  }
  renderings_.clear();
}

std::span<const Span> Renderings::render(std::uint32_t entry, const Parts& parts, Encoding encoding) {
  std::size_t count = 0;
  for (const topics::Message* message : parts) {
    if (message == nullptr) continue;
    const Span span = find_or_encode(*message, table_.topic(entry), encoding);
    if (span.segment != nullptr) rendered_[count++] = span;
  }
  return std::span{rendered_}.first(count);
}

// By the copy's address: it stays where it is until clear().
Span Renderings::find_or_encode(const topics::Message& message, topics::TopicHandle topic, Encoding encoding) {
  const std::uint64_t hash = hash_of(&message, encoding);
  const std::uint32_t found = index_.find(
      hash, [&](std::uint32_t i) { return renderings_[i].message == &message && renderings_[i].encoding == encoding; });
  if (found != topics::IndexTable::kNone) {
    ++counters_.shared;
    return renderings_[found].span;
  }
  const Span span = encode(message, topic, encoding);
  if (span.segment != nullptr) segments_.retain(span.segment);
  index_.insert(hash, static_cast<std::uint32_t>(renderings_.size()));
  renderings_.push_back({.message = &message, .encoding = encoding, .span = span});
  return span;
}

Span Renderings::encode(const topics::Message& message, topics::TopicHandle topic, Encoding encoding) {
  auto encoded = codecs_[static_cast<std::size_t>(protocol_of(encoding))]->encode(message, nullptr);
  if (!encoded) return {};
  const Compression window = compressor_.window(encoded->payload.size(), compression_of(encoding));
  if (window != Compression::none) encoded = compressor_.compress(*encoded, window);
  const Span span = write_message(encoding, *encoded, record_of(message, topic), *writers_[encoding]);
  ++counters_.encodings;
  counters_.encoded_bytes += span.length;
  return span;
}

void Renderings::current_segments(std::vector<Segment*>& into) const {
  for (const auto& writer : writers_) {
    if (writer->current() != nullptr) into.push_back(writer->current());
  }
}

std::uint64_t Renderings::segments_retired() const {
  std::uint64_t retired = 0;
  for (const auto& writer : writers_) retired += writer->retired();
  return retired;
}

}  // namespace ringcast::broker
