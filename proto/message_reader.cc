#include "proto/message_reader.h"

#include <array>
#include <string>

#include "proto/header_collector.h"
#include "proto/json_text.h"
#include "proto/wire_reader.h"

namespace ringcast::proto {

namespace {

// What stands in an encoded header may be a third of what it is when gathered: an entry without name and value.
constexpr std::size_t kGatheredPerByte = 3;

// An enum of three values, 0 to 2; one that is not known here is taken for the first.
template <class Enum>
Enum read_enum(WireReader& fields) {
  const std::uint64_t value = fields.varint();
  return value > 2 ? Enum{} : static_cast<Enum>(value);
}

std::optional<Fault> read_text(WireReader& fields, std::string_view name, std::string_view& to) {
  to = as_text(fields.bytes());
  return is_utf8(to) ? std::nullopt : std::optional(fault(ErrorCode::malformed, name, "is not UTF-8"));
}

// One of the fields whose wire type is `bytes`.
std::optional<Fault> read_bytes_field(WireReader& fields, Message& message, HeaderCollector& headers) {
  switch (fields.number()) {
    case 2:
      return read_text(fields, "topic", message.topic);
    case 5:
      return read_text(fields, "content_type", message.content_type);
    case 6: {
      const std::uint8_t* const begin = fields.field_begin();
      const Bytes body = fields.bytes();
      if (fields.broken()) return std::nullopt;
      auto wrong = headers.add({begin, fields.position()}, body);
      return wrong ? std::optional(inside("headers", std::move(*wrong))) : std::nullopt;
    }
    case 7:
      message.payload = fields.bytes();
      return std::nullopt;
    default:
      fields.skip();
      return std::nullopt;
  }
}

void read_number_field(WireReader& fields, Message& message) {
  switch (fields.number()) {
    case 1:
      message.seq = fields.varint();
      return;
    case 3:
      message.op = read_enum<Op>(fields);
      return;
    case 4:
      message.format = read_enum<Format>(fields);
      return;
    case 8:
      message.origin = static_cast<std::uint32_t>(fields.varint());
      return;
    case 9:
      message.position = fields.varint();
      return;
    case 10:
      message.time_us = fields.varint();
      return;
    case 14:
      message.subscription = fields.varint();
      return;
    case 15:
      message.mark = read_enum<Mark>(fields);
      return;
    default:
      fields.skip();
      return;
  }
}

}  // namespace

std::expected<Message, Fault> read_message(Bytes body, MadeText& made) {
  made.begin(kGatheredPerByte * body.size());
  Message message;
  HeaderCollector headers(made, Reading::tolerant);
  WireReader fields(body);
  while (fields.next()) {
    std::optional<Fault> wrong;
    if (fields.type() == WireType::bytes) {
      wrong = read_bytes_field(fields, message, headers);
    } else if (fields.type() == WireType::varint) {
      read_number_field(fields, message);
    } else {
      fields.skip();
    }
    if (wrong) return std::unexpected(std::move(*wrong));
  }
  if (fields.broken()) return std::unexpected(fault(ErrorCode::malformed, "", "is cut or broken"));
  message.headers = headers.encoded();
  return message;
}

std::expected<Ack, Fault> read_ack(Bytes body) {
  std::array<std::uint64_t, 8> numbers{};  // by field number
  WireReader fields(body);
  while (fields.next()) {
    if (fields.type() == WireType::varint && fields.number() < numbers.size()) {
      numbers[fields.number()] = fields.varint();
    } else {
      fields.skip();
    }
  }
  if (fields.broken()) return std::unexpected(fault(ErrorCode::malformed, "", "is cut or broken"));
  return Ack{.id = numbers[1],
             .seq = numbers[2],
             .origin = static_cast<std::uint32_t>(numbers[3]),
             .position = numbers[4],
             .time_us = numbers[5],
             .duplicate = numbers[6] != 0,
             .up_to = numbers[7]};
}

}  // namespace ringcast::proto
