#include "tests/proto/shuffled.h"

#include <algorithm>
#include <map>

#include "proto/envelope.h"
#include "proto/wire_reader.h"

namespace ringcast::proto::test {

namespace {

struct Field {
  std::uint32_t number = 0;
  Bytes encoded;
};

std::vector<Field> fields_of(Bytes body) {
  std::vector<Field> fields;
  WireReader reader(body);
  while (reader.next()) {
    const std::uint8_t* const begin = reader.field_begin();
    const std::uint32_t number = reader.number();
    reader.skip();
    fields.push_back({number, {begin, reader.position()}});
  }
  return fields;
}

Encoding shuffled_body(Bytes body, std::mt19937& random) {
  std::vector<Field> fields = fields_of(body);
  std::vector<std::uint32_t> order;
  std::map<std::uint32_t, std::vector<Bytes>> by_number;
  for (const Field& field : fields) {
    order.push_back(field.number);
    by_number[field.number].push_back(field.encoded);
  }
  std::ranges::shuffle(order, random);
  Encoding out;
  for (const std::uint32_t number : order) {
    std::vector<Bytes>& left = by_number[number];
    out.insert(out.end(), left.front().begin(), left.front().end());
    left.erase(left.begin());
  }
  return out;
}

// Tag, a length of five bytes, content.
void append_field(std::uint8_t tag, const Encoding& content, Encoding& out) {
  out.push_back(tag);
  for (unsigned shift = 0; shift < 28; shift += 7) {
    out.push_back(static_cast<std::uint8_t>(content.size() >> shift | 0x80));
  }
  out.push_back(0);
  out.insert(out.end(), content.begin(), content.end());
}

}  // namespace

Encoding shuffled(Bytes envelope, std::mt19937& random) {
  WireReader reader(envelope);
  if (!reader.next()) return {};
  const std::uint8_t tag = *reader.field_begin();
  Encoding body;
  const Bytes content = reader.bytes();
  // Batches keep the order of their messages. An event with this number, an ack, has no field of this kind.
  if (tag == (kPublishBatchField << 3 | 2) && !content.empty() && content[0] == (1 << 3 | 2)) {
    for (const Field& message : fields_of(content)) {
      WireReader one(message.encoded);
      (void)one.next();
      append_field(1 << 3 | 2, shuffled_body(one.bytes(), random), body);
    }
  } else {
    body = shuffled_body(content, random);
  }
  Encoding out;
  append_field(tag, body, out);
  return out;
}

}  // namespace ringcast::proto::test
