// FrameReader: reads back what a shard wrote: the message in frames of the full protocol. For the few that are dropped,
// of which somebody must be told what they were.
//
// Thread: one shard's. Memory: none before the first compressed message, then an inflater's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/encoding.h"
#include "broker/segment.h"
#include "frame/inflate.h"
#include "proto/event.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"

namespace ringcast::broker {

class FrameReader {
 public:
  // The message in `frames`, which are all of its own, as write_frames() made them. Nothing if they are not: another
  // protocol's, or no message. Views are valid until the next call, and while the frames are.
  [[nodiscard]] std::optional<proto::Message> read(Encoding encoding, Bytes frames);

 private:
  [[nodiscard]] std::optional<Bytes> payload(Bytes frames);

  proto::ProtoForm proto_;
  proto::JsonForm json_;
  frame::Inflater inflater_{frame::Inflater::Options{}};
  std::vector<std::uint8_t> joined_;
};

}  // namespace ringcast::broker
