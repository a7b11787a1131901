// Message from JSON, by hand, as clients read it: members that it does not know, it passes over.
#pragma once

#include <expected>

#include "proto/event.h"
#include "proto/fault.h"
#include "proto/json_cursor.h"
#include "proto/json_publish_reader.h"

namespace ringcast::proto {

// The Message, an object or not, that the cursor is at. Borrows from the text and from `made`.
[[nodiscard]] std::expected<Message, Fault> read_json_message(JsonCursor& cursor, JsonMade& made);

}  // namespace ringcast::proto
