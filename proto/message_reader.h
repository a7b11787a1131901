// Message and Ack from Protocol Buffers, by hand, as clients read them: what they do not know, they pass over.
#pragma once

#include <expected>

#include "proto/event.h"
#include "proto/fault.h"
#include "proto/made_text.h"

namespace ringcast::proto {

// The body of a Message, without tag and length; `made` keeps its headers if they cannot stay where they are.
[[nodiscard]] std::expected<Message, Fault> read_message(Bytes body, MadeText& made);

// The same of an Ack.
[[nodiscard]] std::expected<Ack, Fault> read_ack(Bytes body);

}  // namespace ringcast::proto
