#include "proto/json_publish_reader.h"

#include <algorithm>
#include <array>
#include <string>

#include "proto/json_member.h"
#include "proto/publish_rules.h"

namespace ringcast::proto {

namespace {

enum class Member : std::uint8_t { id, topic, op, content_type, headers, json, text, base64, producer_seq };

constexpr std::array<std::string_view, 9> kMembers{"id",   "topic", "op",     "content_type", "headers",
                                                   "json", "text",  "base64", "producer_seq"};

// The publish that is being read, member by member.
struct Reader : MemberReader {
  Reader(JsonCursor& at, JsonMade& made)
      : MemberReader{.cursor = at, .strings = made.strings}, headers(made.headers, Reading::strict) {}

  HeaderCollector headers;
  Publish publish{};
  std::string_view payload_member{};  // the one of three that was there

  [[nodiscard]] std::optional<Fault> read_member(Member member, std::string_view name);
  [[nodiscard]] std::optional<Fault> read_payload_as(Format format, std::string_view name);
};

std::optional<Fault> Reader::read_member(Member member, std::string_view name) {
  switch (member) {
    case Member::id:
      return read_number(name, publish.id);
    case Member::topic:
      return read_text(name, publish.topic);
    case Member::op: {
      const auto op = read_op(cursor.value());
      if (!op) return fault(ErrorCode::bad_value, name, "must be set, remove or event");
      publish.op = *op;
      return std::nullopt;
    }
    case Member::content_type:
      return read_text(name, publish.content_type);
    case Member::headers:
      return read_headers(cursor, headers, strings);
    case Member::json:
      return read_payload_as(Format::json, name);
    case Member::text:
      return read_payload_as(Format::text, name);
    case Member::base64:
      return read_payload_as(Format::binary, name);
    case Member::producer_seq:
      return read_number(name, publish.producer_seq);
  }
  return std::nullopt;
}

std::optional<Fault> Reader::read_payload_as(Format format, std::string_view name) {
  if (!payload_member.empty()) {
    return fault(ErrorCode::bad_value, name, "cannot stand beside " + std::string(payload_member));
  }
  payload_member = name;
  const auto payload = read_payload(format, Reading::strict, cursor, strings);
  if (!payload) return payload.error();
  publish.payload = payload->bytes;
  publish.format = payload->format;
  return std::nullopt;
}

std::optional<Fault> check_payload(const Reader& reader) {
  if (reader.publish.op == Op::remove) {
    if (reader.payload_member.empty()) return std::nullopt;
    return fault(ErrorCode::bad_value, reader.payload_member, "must be absent: this is a removal");
  }
  if (!reader.payload_member.empty()) return std::nullopt;
  return fault(ErrorCode::missing_field, "json", "is needed, or text, or base64");
}

std::expected<Publish, Fault> read_publish(JsonCursor& cursor, JsonMade& made) {
  if (cursor.kind() != '{') return std::unexpected(fault(ErrorCode::bad_value, "", "must be an object"));
  Reader reader(cursor, made);
  Seen seen;
  cursor.enter();
  while (cursor.next_member()) {
    const std::string_view name = read_name(cursor, made.strings);
    const auto found = std::ranges::find(kMembers, name);
    if (found == kMembers.end()) {
      return std::unexpected(fault(ErrorCode::unknown_field, shortened(name), "does not exist"));
    }
    const auto index = static_cast<std::uint32_t>(found - kMembers.begin());
    if (!seen.first(index)) return std::unexpected(fault(ErrorCode::bad_value, *found, "occurs twice"));
    if (auto wrong = reader.read_member(static_cast<Member>(index), *found)) return std::unexpected(std::move(*wrong));
  }
  reader.publish.headers = reader.headers.encoded();
  if (auto wrong = check_publish(reader.publish)) return std::unexpected(std::move(*wrong));
  if (auto wrong = check_payload(reader)) return std::unexpected(std::move(*wrong));
  return reader.publish;
}

}  // namespace

std::uint64_t find_id(JsonCursor cursor) noexcept {
  if (cursor.kind() != '{') return 0;
  cursor.enter();
  while (cursor.next_member()) {
    const std::string_view value = cursor.value();
    if (cursor.name() == "id") return read_integer(value).value_or(0);
  }
  return 0;
}

std::expected<Publish, Fault> JsonPublishReader::read(JsonCursor& cursor, JsonMade& made) {
  const JsonCursor begin = cursor;
  auto publish = read_publish(cursor, made);
  if (!publish) publish.error().id = find_id(begin);
  return publish;
}

std::expected<PublishBatch, Fault> JsonPublishReader::read_batch(JsonCursor& cursor, JsonMade& made) {
  batch_.clear();
  if (cursor.kind() != '{') return std::unexpected(fault(ErrorCode::bad_value, "", "must be an object"));
  cursor.enter();
  bool seen = false;
  while (cursor.next_member()) {
    const std::string_view name = read_name(cursor, made.strings);
    if (name != "messages") {
      return std::unexpected(fault(ErrorCode::unknown_field, shortened(name), "does not exist"));
    }
    if (seen) return std::unexpected(fault(ErrorCode::bad_value, "messages", "occurs twice"));
    seen = true;
    if (auto wrong = read_messages(cursor, made)) return std::unexpected(std::move(*wrong));
  }
  if (batch_.empty()) return std::unexpected(fault(ErrorCode::missing_field, "messages", "are needed: one at least"));
  return PublishBatch{batch_};
}

std::optional<Fault> JsonPublishReader::read_messages(JsonCursor& cursor, JsonMade& made) {
  if (cursor.kind() != '[') return fault(ErrorCode::bad_value, "messages", "must be an array");
  cursor.enter();
  while (cursor.next_element()) {
    if (batch_.size() == kBatchMessagesMax) {
      return fault(ErrorCode::too_large, "messages", "are more than " + std::to_string(kBatchMessagesMax));
    }
    auto publish = read(cursor, made);
    if (!publish) return inside("messages[" + std::to_string(batch_.size()) + "]", std::move(publish.error()));
    batch_.push_back(*publish);
  }
  return std::nullopt;
}

}  // namespace ringcast::proto
