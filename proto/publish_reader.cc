#include "proto/publish_reader.h"

#include <array>
#include <string>
#include <utility>

#include "proto/publish_rules.h"

namespace ringcast::proto {

namespace {

// Of Publish, by number.
struct Field {
  std::string_view name;
  WireType type;
};

constexpr std::array<Field, 9> kFields{{
    {"", WireType::varint},
    {"id", WireType::varint},
    {"topic", WireType::bytes},
    {"op", WireType::varint},
    {"format", WireType::varint},
    {"content_type", WireType::bytes},
    {"headers", WireType::bytes},
    {"payload", WireType::bytes},
    {"producer_seq", WireType::varint},
}};

// What stands in an encoded header may be a third of what it is when gathered: an entry without name and value.
constexpr std::size_t kGatheredPerByte = 3;

// Is the current field one of ours, of the right type, and for the first time?
std::optional<Fault> check_field(const WireReader& fields, Seen& seen) {
  const std::uint32_t number = fields.number();
  if (number >= kFields.size()) return fault(ErrorCode::unknown_field, std::to_string(number), "does not exist");
  const Field& field = kFields[number];
  if (fields.type() != field.type) return fault(ErrorCode::malformed, field.name, "has the wrong wire type");
  if (!seen.first(number) && number != kHeadersField) return fault(ErrorCode::bad_value, field.name, "occurs twice");
  return std::nullopt;
}

std::optional<Fault> not_utf8(std::string_view field) {
  return fault(ErrorCode::malformed, field, "is not UTF-8");
}

std::optional<Fault> not_in_enum(std::string_view field, std::uint64_t value) {
  return fault(ErrorCode::bad_value, field, "cannot be " + std::to_string(value));
}

std::optional<Fault> read_field(WireReader& fields, Publish& publish, HeaderCollector& headers) {
  switch (fields.number()) {
    case 1:
      publish.id = fields.varint();
      break;
    case 2:
      publish.topic = as_text(fields.bytes());
      if (!is_utf8(publish.topic)) return not_utf8("topic");
      break;
    case 3: {
      const std::uint64_t op = fields.varint();
      if (op > static_cast<std::uint64_t>(Op::event)) return not_in_enum("op", op);
      publish.op = static_cast<Op>(op);
      break;
    }
    case 4: {
      const std::uint64_t format = fields.varint();
      if (format > static_cast<std::uint64_t>(Format::json)) return not_in_enum("format", format);
      publish.format = static_cast<Format>(format);
      break;
    }
    case 5:
      publish.content_type = as_text(fields.bytes());
      if (!is_utf8(publish.content_type)) return not_utf8("content_type");
      break;
    case 6: {
      const std::uint8_t* const begin = fields.field_begin();
      const Bytes body = fields.bytes();
      if (fields.broken()) break;
      if (auto wrong = headers.add({begin, fields.position()}, body)) return inside("headers", std::move(*wrong));
      break;
    }
    case 7:
      publish.payload = fields.bytes();
      break;
    case 8:
      publish.producer_seq = fields.varint();
      break;
    default:  // check_field() lets no other pass
      std::unreachable();
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t find_id(Bytes body) noexcept {
  WireReader fields(body);
  while (fields.next()) {
    if (fields.number() == 1 && fields.type() == WireType::varint) return fields.varint();
    fields.skip();
  }
  return 0;
}

std::expected<Publish, Fault> PublishReader::read(Bytes body) {
  headers_.begin(kGatheredPerByte * body.size());
  return read_one(body);
}

std::expected<PublishBatch, Fault> PublishReader::read_batch(Bytes body) {
  headers_.begin(kGatheredPerByte * body.size());
  batch_.clear();
  WireReader fields(body);
  while (fields.next()) {
    if (fields.number() != 1) {
      return std::unexpected(fault(ErrorCode::unknown_field, std::to_string(fields.number()), "does not exist"));
    }
    if (fields.type() != WireType::bytes) {
      return std::unexpected(fault(ErrorCode::malformed, "messages", "has the wrong wire type"));
    }
    const Bytes one = fields.bytes();
    if (fields.broken()) break;
    if (batch_.size() == kBatchMessagesMax) {
      return std::unexpected(
          fault(ErrorCode::too_large, "messages", "are more than " + std::to_string(kBatchMessagesMax)));
    }
    auto publish = read_one(one);
    if (!publish) {
      return std::unexpected(inside("messages[" + std::to_string(batch_.size()) + "]", std::move(publish.error())));
    }
    batch_.push_back(*publish);
  }
  if (fields.broken()) return std::unexpected(fault(ErrorCode::malformed, "", "is cut or broken"));
  if (batch_.empty()) return std::unexpected(fault(ErrorCode::missing_field, "messages", "are needed: one at least"));
  return PublishBatch{batch_};
}

std::expected<Publish, Fault> PublishReader::read_one(Bytes body) {
  auto publish = read_fields(body);
  if (!publish) publish.error().id = find_id(body);
  return publish;
}

std::expected<Publish, Fault> PublishReader::read_fields(Bytes body) {
  Publish publish;
  HeaderCollector headers(headers_, Reading::strict);
  Seen seen;
  WireReader fields(body);
  while (fields.next()) {
    if (auto wrong = check_field(fields, seen)) return std::unexpected(std::move(*wrong));
    if (auto wrong = read_field(fields, publish, headers)) return std::unexpected(std::move(*wrong));
  }
  if (fields.broken()) return std::unexpected(fault(ErrorCode::malformed, "", "is cut or broken"));
  publish.headers = headers.encoded();
  if (auto wrong = check_publish(publish)) return std::unexpected(std::move(*wrong));
  if (auto wrong = check_payload(publish)) return std::unexpected(std::move(*wrong));
  return publish;
}

std::optional<Fault> PublishReader::check_payload(const Publish& publish) {
  if (publish.op == Op::remove) {
    if (!publish.payload.empty()) return fault(ErrorCode::bad_value, "payload", "must be empty: this is a removal");
    if (publish.format != Format::binary) {
      return fault(ErrorCode::bad_value, "format", "must be absent: a removal has no payload");
    }
    return std::nullopt;
  }
  const std::string_view payload = as_text(publish.payload);
  switch (publish.format) {
    case Format::binary:
      return std::nullopt;
    case Format::text:
      if (is_utf8(payload)) return std::nullopt;
      return fault(ErrorCode::bad_value, "payload", "is not UTF-8, as its format says");
    case Format::json:
      switch (json_.judge(payload)) {
        case JsonVerdict::valid:
          return std::nullopt;
        case JsonVerdict::invalid:
          return fault(ErrorCode::bad_value, "payload", "is not JSON, as its format says");
        case JsonVerdict::too_deep:
          return fault(ErrorCode::too_large, "payload", "is nested deeper than " + std::to_string(kJsonDepthMax));
      }
  }
  return std::nullopt;
}

}  // namespace ringcast::proto
