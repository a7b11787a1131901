#include "proto/json_form.h"

#include <optional>
#include <string>
#include <utility>

#include "proto/json_member.h"
#include "proto/json_message_reader.h"
#include "proto/json_publish_reader.h"
#include "proto/json_text.h"
#include "proto/library_form.h"
#include "proto/wire_reader.h"

namespace ringcast::proto {

namespace {

// Levels around the payload of a publish in a batch: the envelope, the batch, its array, the publish.
constexpr std::uint32_t kEnvelopeDepthMax = 4;

// A client reads what others published: JSON that came by HTTP may be nested as deep as simdjson takes it by itself.
constexpr std::uint32_t kEventDepthMax = 1024 + kEnvelopeDepthMax;

Fault malformed(std::string_view text) {
  return fault(ErrorCode::malformed, "", text);
}

// Is `text` an object in JSON? If so, the cursor is at it.
std::expected<JsonCursor, Fault> find_object(std::string_view text, JsonJudge& judge) {
  switch (judge.judge(text)) {
    case JsonVerdict::valid:
      break;
    case JsonVerdict::invalid:
      return std::unexpected(malformed("the message is not JSON"));
    case JsonVerdict::too_deep:
      return std::unexpected(fault(ErrorCode::too_large, "", "the message is nested too deep"));
  }
  JsonCursor cursor(text);
  if (cursor.kind() != '{') return std::unexpected(malformed("the message must be a JSON object"));
  return cursor;
}

// The same; the cursor is inside of it.
std::expected<JsonCursor, Fault> open(std::string_view text, JsonJudge& judge) {
  auto cursor = find_object(text, judge);
  if (cursor) cursor->enter();
  return cursor;
}

}  // namespace

struct JsonForm::Scratch {
  JsonJudge request_judge{kJsonDepthMax + kEnvelopeDepthMax};
  JsonJudge event_judge{kEventDepthMax};
  JsonMade made;
  JsonPublishReader publish;
  LibraryForm library;

  std::expected<Request, Fault> read_request(std::string_view text);
  std::expected<Request, Fault> read_request(std::string_view name, JsonCursor& cursor);
  std::expected<Publish, Fault> read_publish(std::string_view text);
  std::expected<Event, Fault> read_event(std::string_view text);
  std::expected<Event, Fault> read_event(std::string_view name, JsonCursor& cursor);
};

std::expected<Request, Fault> JsonForm::Scratch::read_request(std::string_view text) {
  made.begin(text.size());
  auto cursor = open(text, request_judge);
  if (!cursor) return std::unexpected(std::move(cursor.error()));
  if (!cursor->next_member()) return std::unexpected(malformed("a message must hold one request, not none"));
  auto request = read_request(read_name(*cursor, made.strings), *cursor);
  if (!request || !cursor->next_member()) return request;
  return std::unexpected(malformed("a message must hold one request and nothing else"));
}

std::expected<Request, Fault> JsonForm::Scratch::read_request(std::string_view name, JsonCursor& cursor) {
  if (name == "publish") return placed<Request>(name, publish.read(cursor, made));
  if (name == "publish_batch") return placed<Request>(name, publish.read_batch(cursor, made));
  return library.read_request(name, cursor, made.strings);
}

std::expected<Publish, Fault> JsonForm::Scratch::read_publish(std::string_view text) {
  made.begin(text.size());
  auto cursor = find_object(text, request_judge);
  if (!cursor) return std::unexpected(std::move(cursor.error()));
  return publish.read(*cursor, made);
}

// The first member that is known; the others are of newer brokers.
std::expected<Event, Fault> JsonForm::Scratch::read_event(std::string_view text) {
  made.begin(text.size());
  auto cursor = open(text, event_judge);
  if (!cursor) return std::unexpected(std::move(cursor.error()));
  std::optional<Fault> unknown;
  while (cursor->next_member()) {
    JsonCursor value = *cursor;
    auto event = read_event(read_name(*cursor, made.strings), value);
    if (event || event.error().code != ErrorCode::unknown_field) return event;
    unknown = std::move(event.error());
    (void)cursor->value();
  }
  return std::unexpected(unknown ? std::move(*unknown) : malformed("the message holds no event"));
}

std::expected<Event, Fault> JsonForm::Scratch::read_event(std::string_view name, JsonCursor& cursor) {
  if (name == "message") return placed<Event>(name, read_json_message(cursor, made));
  return library.read_event(name, cursor, made.strings);
}

JsonForm::JsonForm() : scratch_(std::make_unique<Scratch>()) {}
JsonForm::~JsonForm() = default;

std::expected<Request, Fault> JsonForm::read_request(Bytes in) {
  return in_sentences(scratch_->read_request(as_text(in)));
}

std::expected<Publish, Fault> JsonForm::read_publish(Bytes in) {
  return in_sentences(scratch_->read_publish(as_text(in)));
}

std::expected<Event, Fault> JsonForm::read_event(Bytes in) {
  return in_sentences(scratch_->read_event(as_text(in)));
}

}  // namespace ringcast::proto
