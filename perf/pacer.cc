#include "perf/pacer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "frame/header.h"
#include "frame/mask.h"
#include "perf/nats.h"
#include "perf/plans.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"

namespace ringcast::perf {

Pacer::Pacer(const LoadOptions& options, const Layout& layout, std::uint64_t start_ns, std::uint64_t end_ns)
    : options_(options),
      listeners_(layout.streams),
      sent_(layout.streams),
      request_id_(options.publishers),
      start_ns_(start_ns),
      end_ns_(end_ns),
      payload_(options.size, 'x') {
  for (std::uint32_t s = 0; s < layout.subscribers; ++s) {
    for (std::uint32_t place = 0; place < layout.topics_of(s); ++place) {
      for (std::uint32_t i = layout.topic_at(s, place); i < layout.streams; i += layout.topics) ++listeners_[i];
    }
  }
}

std::uint64_t Pacer::publish(Swarm& swarm, const Tally& tally, std::uint64_t now_ns) {
  if (now_ns >= end_ns_ && options_.window > 0) return kIdleNs;
  return options_.window > 0 ? publish_closed(swarm, tally, now_ns) : publish_open(swarm, now_ns);
}

std::uint64_t Pacer::publish_open(Swarm& swarm, std::uint64_t now_ns) {
  for (std::uint32_t batch = 0; batch < kBatchMax; ++batch) {
    const std::uint64_t due = due_ns(sent_total_);
    if (due >= end_ns_) return kIdleNs;
    if (due > now_ns) return due - now_ns;
    const auto stream = static_cast<std::uint32_t>(sent_total_ % sent_.size());
    if (!swarm.has_room(publisher_of(stream))) return kIdleNs;
    send(swarm, stream, due);
    lateness_.record(now_ns - due);
  }
  return 0;
}

std::uint64_t Pacer::publish_closed(Swarm& swarm, const Tally& tally, std::uint64_t now_ns) {
  for (std::uint32_t stream = 0; stream < sent_.size(); ++stream) {
    const std::uint64_t listeners = listeners_[stream];
    if (listeners == 0) continue;
    const std::uint64_t done = tally.deliveries_of(stream) / listeners;  // as if all were equally far
    while (sent_[stream] < done + options_.window && swarm.has_room(publisher_of(stream))) send(swarm, stream, now_ns);
  }
  return kIdleNs;
}

void Pacer::send(Swarm& swarm, std::uint32_t stream, std::uint64_t when_ns) {
  const Stamp stamp{.when_ns = when_ns, .stream = stream, .number = ++sent_[stream]};
  if (options_.protocol == Form::json) {
    encode_hex_stamp(stamp, payload_.data());
  } else {
    encode_stamp(stamp, payload_.data());
  }
  ++sent_total_;
  const Bytes message = message_of(stream);
  const std::uint32_t key = static_cast<std::uint32_t>(random_());
  const Form form = options_.publisher_form();
  const bool text = form == Form::json || (form == Form::raw && options_.is_text());
  frame::Header header{
      .opcode = text ? frame::Opcode::text : frame::Opcode::binary, .masked = true, .payload_size = message.size()};
  std::memcpy(header.mask.data(), &key, sizeof(key));
  std::array<std::uint8_t, frame::kHeaderSizeMax> head;
  const std::size_t head_size = frame::encode_header(header, head);
  frame_.assign(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size));
  frame_.insert(frame_.end(), message.begin(), message.end());
  frame::mask(std::span(frame_).subspan(head_size), header.mask);
  swarm.append(publisher_of(stream), frame_);
}

// What the stream's next WebSocket message holds.
Bytes Pacer::message_of(std::uint32_t stream) {
  const Form form = options_.publisher_form();
  if (form == Form::raw) return payload_;
  const std::string topic = topic_name(form, stream % options_.topics);
  if (form == Form::nats) {
    message_.clear();
    append_nats_publish(message_, topic, payload_);
    return message_;
  }
  const proto::Publish publish{.id = ++request_id_[publisher_of(stream)],
                               .topic = topic,
                               .format = options_.is_text() ? proto::Format::text : proto::Format::binary,
                               .payload = payload_};
  if (form == Form::json) {
    proto::JsonForm::write(publish, message_);
  } else {
    proto::ProtoForm::write(publish, message_);
  }
  return message_;
}

std::uint64_t Pacer::due_ns(std::uint64_t message) const noexcept {
  return start_ns_ + static_cast<std::uint64_t>(static_cast<double>(message) * 1e9 / options_.rate_hz);
}

}  // namespace ringcast::perf
