// Requests and events between the plain data of request.h and event.h and the classes that protoc makes.
//
// All but Publish, PublishBatch, Message and Ack, which never are objects of those classes.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "proto/event.h"
#include "proto/fault.h"
#include "proto/request.h"

namespace ringcast::v1 {
class ClientMessage;
class ServerMessage;
}  // namespace ringcast::v1

namespace ringcast::proto {

// What plain data borrow besides strings of the message they are made from.
struct PlainLists {
  std::vector<std::string_view> texts;
  std::vector<std::uint64_t> numbers;
  std::vector<OriginPosition> positions;
  std::vector<LagRange> ranges;
};

// The request or event as plain data, which borrow from `message` and `lists`. A request that breaks a rule is a fault,
// relative to the request.
[[nodiscard]] std::expected<Request, Fault> to_plain(const v1::ClientMessage& message, PlainLists& lists);
[[nodiscard]] Event to_plain(const v1::ServerMessage& message, PlainLists& lists);

void fill(const Request& request, v1::ClientMessage& message);
void fill(const Event& event, v1::ServerMessage& message);

}  // namespace ringcast::proto
