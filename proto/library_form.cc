#include "proto/library_form.h"

#include <cassert>
#include <string>
#include <utility>

#include "proto/json_publish_reader.h"
#include "proto/library_json.h"
#include "proto/library_plain.h"
#include "proto/library_wire.h"
#include "proto/publish_reader.h"
#include "proto/ringcast.pb.h"

namespace ringcast::proto {

namespace {

using google::protobuf::FieldDescriptor;

constexpr std::size_t kExpectedSize = 256;  // bytes: most are shorter

// Empties `envelope` and gives its one message that `field` names.
google::protobuf::Message& begin(google::protobuf::Message& envelope, const FieldDescriptor& field) {
  envelope.Clear();
  return *envelope.GetReflection()->MutableMessage(&envelope, &field);
}

std::optional<Fault> read_wire(const FieldDescriptor& field, Bytes body, Reading reading,
                               google::protobuf::Message& envelope) {
  std::optional<Fault> wrong = check_wire(*field.message_type(), body, reading);
  if (!wrong && !begin(envelope, field).ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    wrong = fault(ErrorCode::malformed, "", "is cut or broken");
  }
  if (!wrong) return std::nullopt;
  wrong->id = find_id(body);
  return inside(field.name(), std::move(*wrong));
}

std::optional<Fault> read_json_value(const FieldDescriptor& field, JsonCursor& cursor, Reading reading, MadeText& made,
                                     google::protobuf::Message& envelope) {
  const JsonCursor from = cursor;
  auto wrong = read_json(cursor, reading, made, begin(envelope, field));
  if (!wrong) return std::nullopt;
  wrong->id = find_id(from);
  return inside(field.name(), std::move(*wrong));
}

std::expected<Request, Fault> plain_request(const FieldDescriptor& field, const v1::ClientMessage& message,
                                            PlainLists& lists) {
  auto request = to_plain(message, lists);
  if (!request) return std::unexpected(inside(field.name(), std::move(request.error())));
  return request;
}

template <class Envelope>
const FieldDescriptor* find(std::uint32_t number) {
  return Envelope::descriptor()->FindFieldByNumber(static_cast<int>(number));
}

template <class Envelope>
const FieldDescriptor* find(std::string_view name) {
  return Envelope::descriptor()->FindFieldByName(std::string(name));
}

Fault unknown(std::string_view field) {
  return fault(ErrorCode::unknown_field, field, "does not exist");
}

template <class Envelope>
void write_envelope(const Envelope& envelope, std::vector<std::uint8_t>& out) {
  out.resize(envelope.ByteSizeLong());
  const bool written = envelope.SerializeToArray(out.data(), static_cast<int>(out.size()));
  assert(written);
}

template <class Envelope>
void write_envelope_json(const Envelope& envelope, std::vector<std::uint8_t>& out) {
  JsonWriter json(out, kExpectedSize);
  write_json(envelope, json);
  json.finish();
}

}  // namespace

struct LibraryForm::Scratch {
  v1::ClientMessage request;
  v1::ServerMessage event;
  PlainLists lists;
};

LibraryForm::LibraryForm() : scratch_(std::make_unique<Scratch>()) {}
LibraryForm::~LibraryForm() = default;

std::expected<Request, Fault> LibraryForm::read_request(std::uint32_t number, Bytes body) {
  const FieldDescriptor* const field = find<v1::ClientMessage>(number);
  if (field == nullptr) return std::unexpected(unknown(std::to_string(number)));
  if (auto wrong = read_wire(*field, body, Reading::strict, scratch_->request)) return std::unexpected(*wrong);
  return plain_request(*field, scratch_->request, scratch_->lists);
}

std::expected<Event, Fault> LibraryForm::read_event(std::uint32_t number, Bytes body) {
  const FieldDescriptor* const field = find<v1::ServerMessage>(number);
  if (field == nullptr) return std::unexpected(unknown(std::to_string(number)));
  if (auto wrong = read_wire(*field, body, Reading::tolerant, scratch_->event)) return std::unexpected(*wrong);
  return to_plain(scratch_->event, scratch_->lists);
}

std::expected<Request, Fault> LibraryForm::read_request(std::string_view name, JsonCursor& cursor, MadeText& made) {
  const FieldDescriptor* const field = find<v1::ClientMessage>(name);
  if (field == nullptr) return std::unexpected(unknown(shortened(name)));
  if (auto wrong = read_json_value(*field, cursor, Reading::strict, made, scratch_->request)) {
    return std::unexpected(*wrong);
  }
  return plain_request(*field, scratch_->request, scratch_->lists);
}

std::expected<Event, Fault> LibraryForm::read_event(std::string_view name, JsonCursor& cursor, MadeText& made) {
  const FieldDescriptor* const field = find<v1::ServerMessage>(name);
  if (field == nullptr) return std::unexpected(unknown(shortened(name)));
  if (auto wrong = read_json_value(*field, cursor, Reading::tolerant, made, scratch_->event)) {
    return std::unexpected(*wrong);
  }
  return to_plain(scratch_->event, scratch_->lists);
}

void LibraryForm::write_wire(const Request& request, std::vector<std::uint8_t>& out) {
  v1::ClientMessage message;
  fill(request, message);
  write_envelope(message, out);
}

void LibraryForm::write_wire(const Event& event, std::vector<std::uint8_t>& out) {
  v1::ServerMessage message;
  fill(event, message);
  write_envelope(message, out);
}

void LibraryForm::write_json(const Request& request, std::vector<std::uint8_t>& out) {
  v1::ClientMessage message;
  fill(request, message);
  write_envelope_json(message, out);
}

void LibraryForm::write_json(const Event& event, std::vector<std::uint8_t>& out) {
  v1::ServerMessage message;
  fill(event, message);
  write_envelope_json(message, out);
}

}  // namespace ringcast::proto
