// The JSON form of any message of the .proto that needs no special rule (Publish and Message have a payload), made from
// its descriptor as the .proto's first comment says.
#pragma once

#include <optional>

#include "proto/fault.h"
#include "proto/json_cursor.h"
#include "proto/json_writer.h"
#include "proto/made_text.h"

namespace google::protobuf {
class Message;
}

namespace ringcast::proto {

// Reads the value that the cursor is at into `message`, which is empty. Faults are relative to it.
[[nodiscard]] std::optional<Fault> read_json(JsonCursor& cursor, Reading reading, MadeText& made,
                                             google::protobuf::Message& message);

// Writes `message` as an object: members in the order of their numbers, defaults left out.
void write_json(const google::protobuf::Message& message, JsonWriter& json);

}  // namespace ringcast::proto
