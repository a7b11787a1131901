#include "broker/fan_out.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "broker/framing.h"

namespace ringcast::broker {

static_assert(kEncodings <= topics::kEncodingsMax);

namespace {

constexpr std::array kWindows{Compression::window9, Compression::window12, Compression::window15};

// As bits.
constexpr std::uint32_t kCompressedEncodings = [] {
  std::uint32_t compressed = 0;
  for (Encoding encoding = 0; encoding < kEncodings; ++encoding) {
    if (compression_of(encoding) != Compression::none) compressed |= encoding_bit(encoding);
  }
  return compressed;
}();

}  // namespace

FanOut::FanOut(std::uint32_t self, SessionTable& sessions, topics::Subscriptions& subscriptions, Compressor& compressor,
               Latest& latest)
    : self_(self), sessions_(sessions), subscriptions_(subscriptions), compressor_(compressor), latest_(latest) {
  for (Stream& stream : streams_) stream.writer = std::make_unique<SegmentWriter>(sessions.segments());
}

FanOut::~FanOut() {
  end_run();
}

void FanOut::set_codec(Protocol protocol, Codec& codec) {
  codecs_[static_cast<std::size_t>(protocol)] = &codec;
}

SlotId FanOut::silent_publisher(const topics::Publisher& publisher) {
  if (publisher.shard != self_) return {};
  const SlotId slot{publisher.slot, publisher.generation};
  const Session* session = sessions_.find(slot);
  return session != nullptr && !session->echo ? slot : SlotId{};
}

bool FanOut::extends_run(std::uint32_t origin, std::span<const topics::GroupId> groups, SlotId publisher) const {
  return !run_.going_out && run_.origin == origin && run_.publisher == publisher && run_.payload_bytes < kRunBytesMax &&
         std::ranges::equal(run_.groups, groups);
}

bool FanOut::add(std::uint32_t origin, const Delivery& delivery, std::uint32_t& budget) {
  const topics::Message& message = *delivery.message;
  const auto groups = subscriptions_.match(origin, delivery.topic, message.topic(), message.topic_hash);
  if (groups.empty()) {  // the last subscriber has left while the message was under way
    if (large_.is({origin, message.position})) large_.clear();
    return true;
  }
  const SlotId publisher = silent_publisher(message.publisher);
  if (pending() && !extends_run(origin, groups, publisher)) return false;
  if (!pending()) {
    begin_run(origin, groups, publisher);
    run_.first_us = message.time_us;
  }
  const bool compresses = (run_.encodings & kCompressedEncodings) != 0;
  if (compresses && budget == 0 && run_.messages > 0) return false;
  ++run_.messages;
  ++counters_.messages;
  run_.payload_bytes += message.payload_size;
  if (run_.latest || !latest_.idle()) latest_.keep(origin, delivery, run_.latest, run_.changes);
  encode(message, delivery.topic);
  if (large_.is({origin, message.position})) large_.clear();
  if (compresses) budget -= std::min(budget, compressor_.take_cost());
  return true;
}

bool FanOut::prepare_slow(std::uint32_t origin, const Delivery& delivery, std::uint32_t& budget) {
  if (sessions_.compressions() == compression_bit(Compression::none) && !large_.busy()) return true;
  const LargeMessage::Id id{.origin = origin, .position = delivery.message->position};
  if (!large_.is(id)) {
    if (large_.busy()) return false;  // that of another origin comes first
    begin_large(origin, delivery);
  }
  while (budget > 0) {
    const std::size_t taken = large_.step(std::size_t{budget} * Compressor::kBytesPerAppend);
    if (taken == 0) return true;
    budget -= std::min(budget, static_cast<std::uint32_t>(taken / Compressor::kBytesPerAppend + 1));
  }
  return false;
}

// Finds what the message is to be compressed for. Who subscribes after this and before add() gets it uncompressed.
void FanOut::begin_large(std::uint32_t origin, const Delivery& delivery) {
  const topics::Message& message = *delivery.message;
  large_.begin({.origin = origin, .position = message.position});
  std::uint32_t encodings = 0;
  for (const topics::GroupId& group :
       subscriptions_.match(origin, delivery.topic, message.topic(), message.topic_hash)) {
    if (subscriptions_.pace(group) == kEveryMessage) encodings |= encoding_bit(subscriptions_.encoding(group));
  }
  for (std::size_t i = 0; i < kWebSocketProtocols; ++i) {
    const auto protocol = static_cast<Protocol>(i);
    const std::uint32_t compressions = compressions_of(encodings, protocol);
    if (compressions <= compression_bit(Compression::none)) continue;
    const auto encoded = codecs_[i]->encode(message, nullptr);
    if (!encoded || encoded->payload.size() <= Compressor::kAtOnceMax) continue;
    const bool stays = encoded->payload.data() == message.payload().data();
    for (const Compression agreed : kWindows) {
      if ((compressions & compression_bit(agreed)) == 0) continue;
      large_.add(encoding_of(protocol, agreed), encoded->payload,
                 stays ? LargeMessage::Keep::borrow : LargeMessage::Keep::copy);
    }
  }
}

void FanOut::begin_run(std::uint32_t origin, std::span<const topics::GroupId> groups, SlotId publisher) {
  run_.origin = origin;
  run_.publisher = publisher;
  run_.groups.assign(groups.begin(), groups.end());
  run_.encodings = 0;
  run_.latest = subscriptions_.pace(groups.back()) != kEveryMessage;  // the slowest is the last
  for (const topics::GroupId& group : groups) {
    if (!run_.latest || subscriptions_.pace(group) == kEveryMessage)
      run_.encodings |= encoding_bit(subscriptions_.encoding(group));
  }
  if (++run_.number == 0) {  // a session that got nothing for 2^32 runs must not take this one for its last
    sessions_.forget_runs();
    run_.number = 1;
  }
}

// Each protocol writes the message once, each encoding compresses and frames it once.
void FanOut::encode(const topics::Message& message, topics::TopicHandle topic) {
  const FrameRecord record = record_of(message, topic);
  for (std::size_t i = 0; i < kProtocols; ++i) {
    const auto protocol = static_cast<Protocol>(i);
    const std::uint32_t compressions = compressions_of(run_.encodings, protocol);
    if (compressions == 0) continue;
    const auto encoded = codecs_[i]->encode(message, nullptr);
    if (!encoded) continue;
    if ((compressions & compression_bit(Compression::none)) != 0) {
      const Encoding encoding = encoding_of(protocol);
      Stream& stream = streams_[encoding];
      extend(stream, write_message(encoding, *encoded, record, *stream.writer));
    }
    if (compressions > compression_bit(Compression::none)) compress(protocol, compressions, *encoded, record);
  }
}

// The same for those of the protocol's subscribers that negotiated compression.
void FanOut::compress(Protocol protocol, std::uint32_t compressions, const Encoded& encoded,
                      const FrameRecord& record) {
  const bool large = encoded.payload.size() > Compressor::kAtOnceMax;
  Encoded written = encoded;
  Compression done = Compression::none;  // what `written` was compressed with
  for (const Compression agreed : kWindows) {
    if ((compressions & compression_bit(agreed)) == 0) continue;
    const Encoding encoding = encoding_of(protocol, agreed);
    if (large) {
      written = take_large(encoded, encoding);
    } else if (const Compression window = compressor_.window(encoded.payload.size(), agreed); window != done) {
      written = compressor_.compress(encoded, window);
      done = window;
    }
    extend(streams_[encoding], write_frames(written, record, *streams_[encoding].writer));
  }
}

// What prepare() has made of it; as it is where there is nothing.
Encoded FanOut::take_large(const Encoded& encoded, Encoding encoding) {
  const Bytes deflated = large_.find(encoding);
  if (deflated.empty()) return encoded;
  compressor_.count(encoded.payload.size(), deflated.size());
  return {.kind = encoded.kind, .payload = deflated, .compressed = true};
}

// Adds to what the run's subscribers of this encoding get.
void FanOut::extend(Stream& stream, const Span& span) {
  counters_.encoded_bytes += span.length;
  if (!stream.spans.empty()) {
    Span& last = stream.spans.back();
    if (last.segment == span.segment && last.offset + last.length == span.offset) {
      last.length += span.length;
      return;
    }
  }
  sessions_.segments().retain(span.segment);
  stream.spans.push_back(span);
}

bool FanOut::step(std::uint32_t& budget) {
  run_.going_out = true;
  while (run_.next_group < run_.groups.size()) {
    const topics::GroupId group = run_.groups[run_.next_group];
    if (!subscriptions_.alive(group)) {
      ++run_.next_group;
      continue;
    }
    if (budget == 0) return false;
    if (run_.latest && subscriptions_.pace(group) != kEveryMessage) {
      if (!step_latest(group, budget)) return false;
      ++run_.next_group;
      continue;
    }
    const Encoding encoding = subscriptions_.encoding(group);
    const std::vector<Span>& spans = streams_[encoding].spans;
    const bool has_ids = is_event_stream(protocol_of(encoding));
    const auto progress = subscriptions_.fan_out(group, run_.origin, budget, [&](const topics::Member& member) {
      deliver(member, spans);
      if (has_ids) sessions_.owe_id(member.slot);
    });
    budget -= progress.touched;
    if (!progress.done) return false;
    ++run_.next_group;
  }
  ++counters_.runs;
  if (run_.encodings != 0) {
    ran_.oldest_us = std::min(ran_.oldest_us, run_.first_us);
    ran_.messages += run_.messages;
  }
  end_run();
  return true;
}

Latest::Run FanOut::latest_run() const noexcept {
  return {.number = run_.number, .origin = run_.origin, .publisher = run_.publisher, .changes = run_.changes};
}

// True when all members of the group are owed what they are.
bool FanOut::step_latest(topics::GroupId group, std::uint32_t& budget) {
  const Latest::Run run = latest_run();
  if (!run_.group_owed) latest_.owe_group(group, run);
  run_.group_owed = true;
  const auto progress = subscriptions_.fan_out(
      group, run_.origin, budget, [&](const topics::Member& member) { latest_.owe_member(group, member, run); });
  budget -= progress.touched;
  if (progress.done) run_.group_owed = false;
  return progress.done;
}

void FanOut::deliver(const topics::Member& member, std::span<const Span> spans) {
  Session& session = sessions_.at(member.slot);
  if (member.slot == run_.publisher.index && !session.subscriptions[member.subscription].echo) return;
  if (session.apart && latest_.take_run(session, member.slot, latest_run())) return;
  if (sessions_.deliver(member.slot, run_.number, run_.origin, spans)) counters_.deliveries += run_.messages;
}

void FanOut::end_run() {
  for (std::uint32_t left = run_.encodings; left != 0; left &= left - 1) {
    Stream& stream = streams_[static_cast<std::size_t>(std::countr_zero(left))];
    for (const Span& span : stream.spans) sessions_.segments().release(span.segment);
    stream.spans.clear();
  }
  latest_.release(run_.changes);
  run_.groups.clear();
  run_.group_owed = false;
  run_.encodings = 0;
  run_.messages = 0;
  run_.payload_bytes = 0;
  run_.next_group = 0;
  run_.going_out = false;
}

std::vector<Segment*>& FanOut::current_segments() const {
  current_.clear();
  for (const Stream& stream : streams_) {
    if (stream.writer->current() != nullptr) current_.push_back(stream.writer->current());
  }
  return current_;
}

std::uint64_t FanOut::segments_retired() const {
  std::uint64_t retired = 0;
  for (const Stream& stream : streams_) {
    retired += stream.writer->retired();
  }
  return retired;
}

}  // namespace ringcast::broker
