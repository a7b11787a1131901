// JsonForm: requests and events as JSON, the subprotocol ringcast.v1.json (the .proto says how it follows from it).
//
// simdjson says whether a text is JSON. Publish, PublishBatch and Message are read by hand then, these and Ack written
// by hand; all else goes by the descriptors of the .proto. Thread: one; an object keeps scratch memory that its results
// borrow from until its next call. Hot path: read_request() of a publish, write() of a Message and an Ack. No
// allocation in the steady state.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <vector>

#include "proto/error_code.h"
#include "proto/event.h"
#include "proto/request.h"

namespace ringcast::proto {

class JsonForm {
 public:
  JsonForm();
  ~JsonForm();
  JsonForm(const JsonForm&) = delete;
  JsonForm& operator=(const JsonForm&) = delete;

  // Reads the JSON of one ClientMessage, UTF-8. Unknown members, members that occur twice, wrong types, integers beyond
  // kJsonIntegerMax and broken limits are faults.
  [[nodiscard]] std::expected<Request, Fault> read_request(Bytes in);
  // Reads the JSON of one Publish alone, without a message around it.
  [[nodiscard]] std::expected<Publish, Fault> read_publish(Bytes in);
  // Reads the JSON of one ServerMessage, as a client: unknown members are ignored; an unknown event is a fault
  // `unknown_field`.
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
