// JsonPublishReader: Publish and PublishBatch from JSON, by hand. What it gives borrows from the text and from `made`.
//
// Thread: one. Hot path: read() runs once per publish. No allocation in the steady state.
#pragma once

#include <expected>
#include <vector>

#include "proto/fault.h"
#include "proto/json_cursor.h"
#include "proto/made_text.h"
#include "proto/request.h"

namespace ringcast::proto {

// What readers of JSON make: strings without their escapes, bytes from base64; and headers, encoded.
struct JsonMade {
  MadeText strings;
  MadeText headers;

  // Begins a call that reads a text of so many bytes. Without escapes and base64 a text only shrinks; a header takes 6
  // bytes of JSON besides its name and value, and at most 9 encoded.
  void begin(std::size_t text_size) {
    strings.begin(text_size);
    headers.begin(2 * text_size);
  }
};

class JsonPublishReader {
 public:
  // The Publish, an object or not, that the cursor is at. Faults are relative to it.
  [[nodiscard]] std::expected<Publish, Fault> read(JsonCursor& cursor, JsonMade& made);
  // The same of a PublishBatch.
  [[nodiscard]] std::expected<PublishBatch, Fault> read_batch(JsonCursor& cursor, JsonMade& made);

 private:
  [[nodiscard]] std::optional<Fault> read_messages(JsonCursor& cursor, JsonMade& made);

  std::vector<Publish> batch_;
};

// The member "id" of the object that the cursor is at; 0 if there is none, or it is no id.
[[nodiscard]] std::uint64_t find_id(JsonCursor cursor) noexcept;

}  // namespace ringcast::proto
