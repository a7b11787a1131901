#include "perf/slow_check.h"

#include <variant>

namespace ringcast::perf {

bool SlowCheck::agrees(Form form, Bytes message, const Stamp& stamp) {
  ++compared_;
  const auto event = form == Form::json ? json_.read_event(message) : proto_.read_event(message);
  if (!event) return false;
  const auto* read = std::get_if<proto::Message>(&*event);
  if (read == nullptr || !read->topic.starts_with("bench/") || read->seq == 0) return false;
  if (read->mark != proto::Mark::live || read->payload.size() < kHexStampSize) return false;
  const std::uint8_t* payload = read->payload.data();
  return stamp == (form == Form::json ? decode_hex_stamp(payload) : decode_stamp(payload));
}

}  // namespace ringcast::perf
