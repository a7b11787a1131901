// SseCodec: messages as server-sent events (WHATWG HTML, "Server-sent events"), for one exact topic or for any filter.
//
//   payload   data: lines of the payload itself; binary in base64
//   json      data: the JSON that `ringcast.v1.json` sends, in one line: it names the topic
// A message never has an `event:` field: a browser's onmessage would not hear it. Only a removal, which has no payload,
// is an event of its own where payloads are bare: `event: remove`.
// Thread: one shard's. Hot path: encode() once per message. No allocation in the steady state.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/codec.h"
#include "broker/form_codec.h"

namespace ringcast::broker {

class SseCodec final : public Codec {
 public:
  enum class Form : std::uint8_t { payload, json };

  explicit SseCodec(Form form) : form_(form) {}

  [[nodiscard]] std::string_view subprotocol() const noexcept override { return {}; }  // it is no WebSocket's

  // One whole event, with its empty line.
  [[nodiscard]] std::optional<Encoded> encode(const topics::Message& message, const Opening* opening) override;

 private:
  // What one large message leaves behind is given back.
  static constexpr std::size_t kScratchKeptBytes = 256 * 1024;

  void append_json(const topics::Message& message, const Opening* opening);

  const Form form_;
  FormCodec json_{FormCodec::Form::json};
  std::vector<std::uint8_t> scratch_;
};

// Appends `text` as the lines of a `data` field: what a client puts together again is `text` with each CRLF, CR and LF
// as one LF, which is all that the format can say.
void append_data_lines(std::string_view text, std::vector<std::uint8_t>& out);

}  // namespace ringcast::broker
