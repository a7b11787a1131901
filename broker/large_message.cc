#include "broker/large_message.h"

#include <algorithm>
#include <cassert>

namespace ringcast::broker {

void LargeMessage::add(Encoding encoding, Bytes payload, Keep keep) {
  assert(busy());
  const bool kept = !copies_.empty() && parts_.back().payload.data() == copies_.back().data() &&
                    protocol_of(parts_.back().encoding) == protocol_of(encoding);
  if (kept) {
    payload = copies_.back();  // for another window
  } else if (keep == Keep::copy) {
    copies_.emplace_back(payload.begin(), payload.end());
    payload = copies_.back();
  }
  parts_.push_back({.encoding = encoding, .payload = payload, .deflated = {}});
}

std::size_t LargeMessage::step(std::size_t input_max) {
  if (next_ == parts_.size()) return 0;
  Part& part = parts_[next_];
  if (rest_ == 0) {
    rest_ = part.payload.size();
    deflater_.emplace(frame::Deflater::Options{.window_bits = window_bits(compression_of(part.encoding))});
    deflater_->begin(part.payload);
  }
  const std::size_t taken = std::min(rest_, input_max);
  rest_ -= taken;
  if (deflater_->step(taken)) {
    const Bytes deflated = deflater_->finished();
    if (deflated.size() < part.payload.size()) part.deflated.assign(deflated.begin(), deflated.end());
    deflater_.reset();
    ++next_;
  }
  return taken;
}

Bytes LargeMessage::find(Encoding encoding) const noexcept {
  const auto part = std::ranges::find(parts_, encoding, &Part::encoding);
  return part == parts_.end() ? Bytes{} : Bytes{part->deflated};
}

void LargeMessage::clear() noexcept {
  assert(rest_ == 0);
  id_.reset();
  parts_.clear();
  copies_.clear();
  next_ = 0;
}

}  // namespace ringcast::broker
