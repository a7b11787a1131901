#include "proto/json_message_reader.h"

#include <algorithm>
#include <array>
#include <string>

#include "proto/json_member.h"

namespace ringcast::proto {

namespace {

constexpr std::array<std::string_view, 3> kMarks{"\"live\"", "\"snapshot\"", "\"replay\""};

// The message that is being read, member by member.
struct Reader : MemberReader {
  Reader(JsonCursor& at, JsonMade& made)
      : MemberReader{.cursor = at, .strings = made.strings}, headers(made.headers, Reading::tolerant) {}

  HeaderCollector headers;
  Message message{};
  bool has_payload = false;

  [[nodiscard]] std::optional<Fault> read_member(std::string_view name);
  [[nodiscard]] std::optional<Fault> read_payload_as(Format format);
  [[nodiscard]] std::optional<Fault> read_op();
  [[nodiscard]] std::optional<Fault> read_mark();
  [[nodiscard]] std::optional<Fault> read_origin();
};

std::optional<Fault> Reader::read_payload_as(Format format) {
  const auto payload = read_payload(format, Reading::tolerant, cursor, strings);
  if (!payload) return payload.error();
  message.payload = payload->bytes;
  message.format = payload->format;
  has_payload = true;
  return std::nullopt;
}

// A name of a newer broker is taken for the enum's first.
std::optional<Fault> Reader::read_op() {
  const std::string_view value = cursor.value();
  if (value.front() != '"') return fault(ErrorCode::bad_value, "op", "must be a name");
  message.op = proto::read_op(value).value_or(Op::set);
  return std::nullopt;
}

std::optional<Fault> Reader::read_mark() {
  const std::string_view value = cursor.value();
  if (value.front() != '"') return fault(ErrorCode::bad_value, "mark", "must be a name");
  const auto found = std::ranges::find(kMarks, value);
  message.mark = found == kMarks.end() ? Mark::live : static_cast<Mark>(found - kMarks.begin());
  return std::nullopt;
}

std::optional<Fault> Reader::read_origin() {
  std::uint64_t origin = 0;
  auto wrong = read_number("origin", origin);
  if (!wrong && origin > UINT32_MAX) wrong = fault(ErrorCode::bad_value, "origin", "must be an integer below 2^32");
  message.origin = static_cast<std::uint32_t>(origin);
  return wrong;
}

std::optional<Fault> Reader::read_member(std::string_view name) {
  if (name == "seq") return read_number(name, message.seq);
  if (name == "topic") return read_text(name, message.topic);
  if (name == "json") return read_payload_as(Format::json);
  if (name == "text") return read_payload_as(Format::text);
  if (name == "base64") return read_payload_as(Format::binary);
  if (name == "position") return read_number(name, message.position);
  if (name == "time_us") return read_number(name, message.time_us);
  if (name == "subscription") return read_number(name, message.subscription);
  if (name == "content_type") return read_text(name, message.content_type);
  if (name == "headers") return read_headers(cursor, headers, strings);
  if (name == "mark") return read_mark();
  if (name == "origin") return read_origin();
  if (name == "op") return read_op();
  (void)cursor.value();
  return std::nullopt;
}

}  // namespace

std::expected<Message, Fault> read_json_message(JsonCursor& cursor, JsonMade& made) {
  if (cursor.kind() != '{') return std::unexpected(fault(ErrorCode::bad_value, "", "must be an object"));
  Reader reader(cursor, made);
  cursor.enter();
  while (cursor.next_member()) {
    if (auto wrong = reader.read_member(read_name(cursor, made.strings))) return std::unexpected(std::move(*wrong));
  }
  if (!reader.has_payload && reader.message.op != Op::remove) {
    return std::unexpected(fault(ErrorCode::missing_field, "json", "is needed, or text, or base64"));
  }
  reader.message.headers = reader.headers.encoded();
  return reader.message;
}

}  // namespace ringcast::proto
