// The writers of JsonForm: Message, Ack, Publish and PublishBatch by hand, the rest by the library.
#include <array>
#include <cassert>
#include <string_view>

#include "proto/headers.h"
#include "proto/json_form.h"
#include "proto/json_writer.h"
#include "proto/library_form.h"

namespace ringcast::proto {

namespace {

// All that a message takes besides its strings: names, numbers, punctuation.
constexpr std::size_t kFrameSizeMax = 320;

constexpr std::array<std::string_view, 3> kOps{"", R"(,"op":"remove")", R"(,"op":"event")"};
constexpr std::array<std::string_view, 3> kMarks{"", R"(,"mark":"snapshot")", R"(,"mark":"replay")"};

// A member in the middle of others; `name` with its comma, quotes and colon. Left out if 0.
void write_number(std::string_view name, std::uint64_t value, JsonWriter& json) {
  if (value == 0) return;
  json.raw(name);
  json.integer(value);
}

void write_text(std::string_view name, std::string_view value, JsonWriter& json) {
  if (value.empty()) return;
  json.raw(name);
  json.string(value);
}

void write_headers(std::string_view encoded, JsonWriter& json) {
  if (encoded.empty()) return;
  json.raw(R"(,"headers":)");
  HeaderReader headers(encoded);
  HeaderEntry entry;
  for (char before = '{'; headers.next(entry); before = ',') {
    json.raw({&before, 1});
    json.string(entry.name);
    json.raw(":");
    json.string(entry.value);
  }
  json.raw("}");
}

// What Publish and Message have in common, after their first members.
template <class PublishOrMessage>
void write_content(const PublishOrMessage& message, JsonWriter& json) {
  json.raw(kOps[static_cast<std::size_t>(message.op)]);
  write_text(R"(,"content_type":)", message.content_type, json);
  write_headers(message.headers, json);
  if (message.op == Op::remove) return;
  switch (message.format) {
    case Format::json:
      assert(!message.payload.empty());
      json.raw(R"(,"json":)");
      return json.raw(as_text(message.payload));
    case Format::text:
      json.raw(R"(,"text":)");
      return json.string(as_text(message.payload));
    case Format::binary:
      json.raw(R"(,"base64":)");
      return json.base64(message.payload);
  }
}

template <class PublishOrMessage>
std::size_t expected_size(const PublishOrMessage& message) {
  return kFrameSizeMax + message.topic.size() + message.content_type.size() + 2 * message.headers.size() +
         (message.format == Format::binary ? 4 * message.payload.size() / 3 : message.payload.size());
}

void write_publish(const Publish& publish, JsonWriter& json) {
  json.raw("{");
  if (publish.id != 0) {
    json.raw(R"("id":)");
    json.integer(publish.id);
    json.raw(",");
  }
  json.raw(R"("topic":)");
  json.string(publish.topic);
  write_content(publish, json);
  write_number(R"(,"producer_seq":)", publish.producer_seq, json);
  json.raw("}");
}

void write_batch(const PublishBatch& batch, std::vector<std::uint8_t>& out) {
  JsonWriter json(out, 0);
  json.raw(R"({"publish_batch":{)");
  std::string_view before = R"("messages":[)";
  for (const Publish& publish : batch.messages) {
    json.raw(before);
    before = ",";
    write_publish(publish, json);
  }
  json.raw(batch.messages.empty() ? "}}" : "]}}");
  json.finish();
}

}  // namespace

void JsonForm::write(const Message& message, std::vector<std::uint8_t>& out) {
  JsonWriter json(out, expected_size(message));
  json.raw(R"({"message":{"seq":)");
  json.integer(message.seq);
  json.raw(R"(,"topic":)");
  json.string(message.topic);
  write_content(message, json);
  write_number(R"(,"origin":)", message.origin, json);
  write_number(R"(,"position":)", message.position, json);
  write_number(R"(,"time_us":)", message.time_us, json);
  write_number(R"(,"subscription":)", message.subscription, json);
  json.raw(kMarks[static_cast<std::size_t>(message.mark)]);
  json.raw("}}");
  json.finish();
}

void JsonForm::write(const Ack& ack, std::vector<std::uint8_t>& out) {
  JsonWriter json(out, kFrameSizeMax);
  json.raw(R"({"ack":{)");
  std::string_view between;
  const auto write = [&](std::string_view name, std::uint64_t value) {
    if (value == 0) return;
    json.raw(between);
    between = ",";
    json.raw(name);
    json.integer(value);
  };
  write(R"("id":)", ack.id);
  write(R"("seq":)", ack.seq);
  write(R"("origin":)", ack.origin);
  write(R"("position":)", ack.position);
  write(R"("time_us":)", ack.time_us);
  if (ack.duplicate) {
    json.raw(between);
    between = ",";
    json.raw(R"("duplicate":true)");
  }
  write(R"("up_to":)", ack.up_to);
  json.raw("}}");
  json.finish();
}

void JsonForm::write(const Publish& publish, std::vector<std::uint8_t>& out) {
  JsonWriter json(out, expected_size(publish));
  json.raw(R"({"publish":)");
  write_publish(publish, json);
  json.raw("}");
  json.finish();
}

void JsonForm::write(const Request& request, std::vector<std::uint8_t>& out) {
  if (const auto* const publish = std::get_if<Publish>(&request)) return write(*publish, out);
  if (const auto* const batch = std::get_if<PublishBatch>(&request)) return write_batch(*batch, out);
  LibraryForm::write_json(request, out);
}

void JsonForm::write(const Event& event, std::vector<std::uint8_t>& out) {
  if (const auto* const message = std::get_if<Message>(&event)) return write(*message, out);
  if (const auto* const ack = std::get_if<Ack>(&event)) return write(*ack, out);
  LibraryForm::write_json(event, out);
}

}  // namespace ringcast::proto
