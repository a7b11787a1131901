// RawCodec: the protocol without a protocol. What is published arrives as it was sent, text as text, binary as binary
// (README, "Raw topics").
#pragma once

#include "broker/codec.h"

namespace ringcast::broker {

class RawCodec final : public Codec {
 public:
  [[nodiscard]] std::string_view subprotocol() const noexcept override { return "ringcast.v1.raw"; }

  // A removal has no value to send: raw subscribers are not told.
  [[nodiscard]] std::optional<Encoded> encode(const topics::Message& message, const Opening* opening) override;
};

}  // namespace ringcast::broker
