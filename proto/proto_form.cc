#include "proto/proto_form.h"

#include <string>
#include <utility>

#include "proto/envelope.h"
#include "proto/library_form.h"
#include "proto/message_reader.h"
#include "proto/publish_reader.h"

namespace ringcast::proto {

namespace {

// What an envelope holds.
struct Content {
  std::uint32_t number = 0;
  Bytes body;
};

Fault malformed(std::string_view text) {
  return fault(ErrorCode::malformed, "", text);
}

std::expected<Content, Fault> open_request(Bytes in) {
  Content content;
  WireReader fields(in);
  while (fields.next()) {
    const std::uint32_t number = fields.number();
    if (request_name(number).empty()) {
      return std::unexpected(fault(ErrorCode::unknown_field, std::to_string(number), "does not exist"));
    }
    if (content.number != 0) return std::unexpected(malformed("a message must hold one request, not several"));
    if (fields.type() != WireType::bytes) {
      return std::unexpected(fault(ErrorCode::malformed, request_name(number), "has the wrong wire type"));
    }
    content = {.number = number, .body = fields.bytes()};
  }
  if (fields.broken()) return std::unexpected(malformed("the message is cut or broken"));
  if (content.number == 0) return std::unexpected(malformed("a message must hold one request, not none"));
  return content;
}

// The last event, as oneof has it; one that is not known only if there is no other.
std::expected<Content, Fault> open_event(Bytes in) {
  Content content;
  std::uint32_t unknown = 0;
  WireReader fields(in);
  while (fields.next()) {
    if (fields.type() == WireType::bytes && !event_name(fields.number()).empty()) {
      content = {.number = fields.number(), .body = fields.bytes()};
    } else {
      unknown = fields.number();
      fields.skip();
    }
  }
  if (fields.broken()) return std::unexpected(malformed("the message is cut or broken"));
  if (content.number != 0) return content;
  if (unknown == 0) return std::unexpected(malformed("the message holds no event"));
  return std::unexpected(fault(ErrorCode::unknown_field, std::to_string(unknown), "is not known here"));
}

}  // namespace

struct ProtoForm::Scratch {
  PublishReader publish;
  MadeText made;
  LibraryForm library;

  std::expected<Request, Fault> read_request(Bytes in);
  std::expected<Event, Fault> read_event(Bytes in);
};

std::expected<Request, Fault> ProtoForm::Scratch::read_request(Bytes in) {
  const auto content = open_request(in);
  if (!content) return std::unexpected(content.error());
  switch (content->number) {
    case kPublishField:
      return placed<Request>("publish", publish.read(content->body));
    case kPublishBatchField:
      return placed<Request>("publish_batch", publish.read_batch(content->body));
    default:
      return library.read_request(content->number, content->body);
  }
}

std::expected<Event, Fault> ProtoForm::Scratch::read_event(Bytes in) {
  const auto content = open_event(in);
  if (!content) return std::unexpected(content.error());
  switch (content->number) {
    case kMessageField:
      return placed<Event>("message", read_message(content->body, made));
    case kAckField:
      return placed<Event>("ack", read_ack(content->body));
    default:
      return library.read_event(content->number, content->body);
  }
}

ProtoForm::ProtoForm() : scratch_(std::make_unique<Scratch>()) {}
ProtoForm::~ProtoForm() = default;

std::expected<Request, Fault> ProtoForm::read_request(Bytes in) {
  return in_sentences(scratch_->read_request(in));
}

std::expected<Event, Fault> ProtoForm::read_event(Bytes in) {
  return in_sentences(scratch_->read_event(in));
}

}  // namespace ringcast::proto
