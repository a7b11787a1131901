#include "tests/proto/library.h"

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/unknown_field_set.h>

#include "proto/headers.h"
#include "proto/library_plain.h"
#include "proto/ringcast.pb.h"
#include "proto/wire_reader.h"
#include "tests/proto/plain.h"

namespace ringcast::proto::test {

namespace {

using google::protobuf::FieldDescriptor;

bool has_unknown(const google::protobuf::Message& message) {
  const auto& reflection = *message.GetReflection();
  if (!reflection.GetUnknownFields(message).empty()) return true;
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      if (has_unknown(reflection.GetMessage(message, field))) return true;
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      if (has_unknown(reflection.GetRepeatedMessage(message, field, i))) return true;
    }
  }
  return false;
}

template <class Map>
std::string encoded(const Map& headers) {
  std::string all;
  for (const auto& [name, value] : headers) append_header({name, value}, all);
  return all;
}

// `headers` keeps what the result borrows.
Publish plain(const v1::Publish& publish, std::string& headers) {
  headers = encoded(publish.headers());
  return {.id = publish.id(),
          .topic = publish.topic(),
          .op = static_cast<Op>(publish.op()),
          .format = static_cast<Format>(publish.format()),
          .content_type = publish.content_type(),
          .headers = headers,
          .payload = as_bytes(publish.payload()),
          .producer_seq = publish.producer_seq()};
}

// As clients take what they do not know: for the first.
template <class Enum>
Enum known(int value, int last) {
  return value >= 0 && value <= last ? static_cast<Enum>(value) : Enum{};
}

Message plain(const v1::Message& message, std::string& headers) {
  headers = encoded(message.headers());
  return {.seq = message.seq(),
          .topic = message.topic(),
          .op = known<Op>(message.op(), 2),
          .format = known<Format>(message.format(), 2),
          .content_type = message.content_type(),
          .headers = headers,
          .payload = as_bytes(message.payload()),
          .origin = message.origin(),
          .position = message.position(),
          .time_us = message.time_us(),
          .subscription = message.subscription(),
          .mark = known<Mark>(message.mark(), 2)};
}

std::string show_batch(const v1::PublishBatch& batch) {
  std::vector<std::string> headers(static_cast<std::size_t>(batch.messages_size()));
  std::vector<Publish> messages;
  for (const v1::Publish& one : batch.messages()) messages.push_back(plain(one, headers[messages.size()]));
  return show(Request(PublishBatch{messages}));
}

// Without a line in the log for each text that is not UTF-8.
bool parse(Bytes in, google::protobuf::Message& envelope) {
  google::protobuf::SetLogHandler(nullptr);
  return envelope.ParseFromArray(in.data(), static_cast<int>(in.size()));
}

template <class Envelope>
std::vector<std::uint8_t> rewritten(Bytes in) {
  Envelope envelope;
  if (!parse(in, envelope)) return {};
  const std::string out = envelope.SerializeAsString();
  return {out.begin(), out.end()};
}

}  // namespace

std::optional<std::string> library_shows_request(Bytes in) {
  v1::ClientMessage message;
  if (!parse(in, message) || has_unknown(message)) return std::nullopt;
  std::string headers;
  PlainLists lists;
  switch (message.request_case()) {
    case v1::ClientMessage::REQUEST_NOT_SET:
      return std::nullopt;
    case v1::ClientMessage::kPublish:
      return show(Request(plain(message.publish(), headers)));
    case v1::ClientMessage::kPublishBatch:
      return show_batch(message.publish_batch());
    default: {
      const auto request = to_plain(message, lists);
      return request ? std::optional(show(*request)) : std::nullopt;
    }
  }
}

std::optional<std::string> library_shows_event(Bytes in) {
  v1::ServerMessage message;
  if (!parse(in, message) || has_unknown(message)) return std::nullopt;
  std::string headers;
  PlainLists lists;
  if (message.event_case() == v1::ServerMessage::EVENT_NOT_SET) return std::nullopt;
  if (message.event_case() == v1::ServerMessage::kMessage) return show(Event(plain(message.message(), headers)));
  return show(to_plain(message, lists));
}

std::vector<std::uint8_t> library_rewrites_request(Bytes in) {
  return rewritten<v1::ClientMessage>(in);
}

std::vector<std::uint8_t> library_rewrites_event(Bytes in) {
  return rewritten<v1::ServerMessage>(in);
}

}  // namespace ringcast::proto::test
