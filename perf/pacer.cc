#include "perf/pacer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "frame/header.h"
#include "frame/mask.h"

namespace ringcast::perf {

Pacer::Pacer(const LoadOptions& options, const Layout& layout, std::uint64_t start_ns, std::uint64_t end_ns)
    : options_(options), sent_(layout.publishers), start_ns_(start_ns), end_ns_(end_ns), payload_(options.size, 'x') {
  for (std::uint32_t p = 0; p < layout.publishers; ++p) {
    std::uint32_t listeners = 0;
    for (std::uint32_t s = 0; s < layout.subscribers; ++s) listeners += layout.hears(s, p) ? 1U : 0U;
    listeners_.push_back(listeners);
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
    const auto publisher = static_cast<std::uint32_t>(sent_total_ % sent_.size());
    if (!swarm.has_room(publisher)) return kIdleNs;
    send(swarm, publisher, due);
    lateness_.record(now_ns - due);
  }
  return 0;
}

std::uint64_t Pacer::publish_closed(Swarm& swarm, const Tally& tally, std::uint64_t now_ns) {
  for (std::uint32_t publisher = 0; publisher < sent_.size(); ++publisher) {
    const std::uint64_t listeners = listeners_[publisher];
    if (listeners == 0) continue;
    const std::uint64_t done = tally.deliveries_of(publisher) / listeners;  // as if all were equally far
    while (sent_[publisher] < done + options_.window && swarm.has_room(publisher)) send(swarm, publisher, now_ns);
  }
  return kIdleNs;
}

void Pacer::send(Swarm& swarm, std::uint32_t publisher, std::uint64_t when_ns) {
  encode_stamp({.when_ns = when_ns, .publisher = publisher, .number = ++sent_[publisher]}, payload_.data());
  ++sent_total_;
  const std::uint32_t key = static_cast<std::uint32_t>(random_());
  frame::Header header{.opcode = options_.text ? frame::Opcode::text : frame::Opcode::binary,
                       .masked = true,
                       .payload_size = payload_.size()};
  std::memcpy(header.mask.data(), &key, sizeof(key));
  std::array<std::uint8_t, frame::kHeaderSizeMax> head;
  const std::size_t head_size = frame::encode_header(header, head);
  frame_.assign(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size));
  frame_.insert(frame_.end(), payload_.begin(), payload_.end());
  frame::mask(std::span(frame_).subspan(head_size), header.mask);
  swarm.append(publisher, frame_);
}

std::uint64_t Pacer::due_ns(std::uint64_t message) const noexcept {
  return start_ns_ + static_cast<std::uint64_t>(static_cast<double>(message) * 1e9 / options_.rate_hz);
}

}  // namespace ringcast::perf
