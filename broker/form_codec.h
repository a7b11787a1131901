// FormCodec: the full protocol in one of its two forms: messages for subscribers, and the requests and events of one
// connection (proto/PROTOCOL.md).
//
// Thread: one shard's. Hot path: encode() once per message, read() and encode(Ack) once per publish. No allocation in
// the steady state.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "broker/codec.h"
#include "proto/event.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"
#include "proto/request.h"

namespace ringcast::broker {

class FormCodec final : public Codec {
 public:
  enum class Form : std::uint8_t { proto, json };

  explicit FormCodec(Form form) : form_(form) {}

  [[nodiscard]] std::string_view subprotocol() const noexcept override {
    return form_ == Form::json ? "ringcast.v1.json" : "ringcast.v1.proto";
  }
  [[nodiscard]] std::optional<Encoded> encode(const topics::Message& message, const Opening* opening) override;

  // The kind of frame that this form goes in; another is closed with 1003.
  [[nodiscard]] FrameKind frame_kind() const noexcept {
    return form_ == Form::json ? FrameKind::text : FrameKind::binary;
  }

  // Reads what a client sent. Views are valid until the next call, and while `in` is.
  [[nodiscard]] std::expected<proto::Request, proto::Fault> read(Bytes in);

  // An event, for one connection; borrowed until the next call.
  [[nodiscard]] Encoded encode(const proto::Event& event);
  [[nodiscard]] Encoded encode(const proto::Ack& ack);

 private:
  // What one large message leaves behind is given back.
  static constexpr std::size_t kScratchKeptBytes = 256 * 1024;

  template <typename T>
  [[nodiscard]] Encoded written(const T& what);

  const Form form_;
  proto::ProtoForm proto_;
  proto::JsonForm json_;
  std::vector<std::uint8_t> scratch_;
};

}  // namespace ringcast::broker
