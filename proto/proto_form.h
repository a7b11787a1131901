// ProtoForm: requests and events as Protocol Buffers, the subprotocol ringcast.v1.proto.
//
// Publish, PublishBatch, Message and Ack are read and written by hand, compared with libprotobuf in tests; all else by
// the library. Thread: one; an object keeps scratch memory that its results borrow from until its next call.
// Hot path: read_request() of a publish, write() of a Message and an Ack. No allocation in the steady state.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <vector>

#include "proto/error_code.h"
#include "proto/event.h"
#include "proto/request.h"

namespace ringcast::proto {

class ProtoForm {
 public:
  ProtoForm();
  ~ProtoForm();
  ProtoForm(const ProtoForm&) = delete;
  ProtoForm& operator=(const ProtoForm&) = delete;

  // Reads one ClientMessage. Unknown fields, duplicates of what occurs once, and broken limits are faults.
  [[nodiscard]] std::expected<Request, Fault> read_request(Bytes in);
  // Reads one ServerMessage, as a client: unknown fields are ignored; an unknown event is a fault `unknown_field`.
  [[nodiscard]] std::expected<Event, Fault> read_event(Bytes in);

  // Replaces `out` by the encoding.
  static void write(const Request& request, std::vector<std::uint8_t>& out);
  static void write(const Event& event, std::vector<std::uint8_t>& out);
  static void write(const Message& message, std::vector<std::uint8_t>& out);
  static void write(const Ack& ack, std::vector<std::uint8_t>& out);
  static void write(const Publish& publish, std::vector<std::uint8_t>& out);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace ringcast::proto
