#include "proto/wire_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proto/wire_writer.h"

using namespace ringcast::proto;

namespace {

using Encoding = std::vector<std::uint8_t>;

// Reads the fields of `in`: "1:5 2:abc", and "broken" where it breaks.
std::string fields_of(const Encoding& in) {
  std::string shown;
  WireReader reader(in);
  while (reader.next()) {
    shown += std::to_string(reader.number()) + ":";
    if (reader.type() == WireType::varint) {
      shown += std::to_string(reader.varint());
    } else if (reader.type() == WireType::bytes) {
      shown += as_text(reader.bytes());
    } else {
      reader.skip();
      shown += "skipped";
    }
    shown += " ";
  }
  return shown + (reader.broken() ? "broken" : "end");
}

Encoding nested_groups(std::size_t depth) {
  Encoding in(depth, 0x0b);
  in.insert(in.end(), depth, 0x0c);
  return in;
}

}  // namespace

TEST_CASE("WireReader reads what the encoding's documentation shows") {
  CHECK(fields_of({0x08, 0x96, 0x01}) == "1:150 end");
  CHECK(fields_of({0x12, 0x07, 't', 'e', 's', 't', 'i', 'n', 'g'}) == "2:testing end");
  CHECK(fields_of({}) == "end");
}

TEST_CASE("WireReader reads every length of varint, whole and not when cut") {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t value : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1, UINT64_MAX >> bit}) {
      CAPTURE(value);
      WireSize size;
      size.number(1, value);
      Encoding in(size.size());
      WireWriter writer(in);
      writer.number(1, value);
      REQUIRE(writer.full());
      if (value == 0) continue;
      CHECK(fields_of(in) == "1:" + std::to_string(value) + " end");
      in.pop_back();
      CHECK(fields_of(in).ends_with("broken"));
    }
  }
}

TEST_CASE("WireReader takes varints that are longer than they need be, up to ten bytes and 64 bits") {
  CHECK(fields_of({0x08, 0x81, 0x00}) == "1:1 end");
  CHECK(fields_of({0x88, 0x00, 0x01}) == "1:1 end");
  CHECK(fields_of({0x08, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}) == "1:1 end");
  CHECK(fields_of({0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}) == "1:18446744073709551615 end");
  CHECK(fields_of({0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}) == "1:0 broken");
  CHECK(fields_of({0x08, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}) == "1:0 broken");
}

TEST_CASE("WireReader refuses tags that are none") {
  const struct {
    Encoding in;
    const char* reason;
  } rejects[]{{{0x00}, "field 0"},
              {{0x07, 0x00}, "field 0, wire type 7"},
              {{0x0e, 0x00}, "wire type 6"},
              {{0x0f, 0x00}, "wire type 7"},
              {{0x88, 0x80, 0x80, 0x80, 0x10, 0x00}, "field number of 30 bits"},
              {{0x88}, "cut"}};
  for (const auto& reject : rejects) {
    CAPTURE(reject.reason);
    CHECK(fields_of(reject.in) == "broken");
  }
  CHECK(fields_of({0xf8, 0xff, 0xff, 0xff, 0x0f, 0x01}) == "536870911:1 end");  // the largest number
}

TEST_CASE("WireReader skips values of every wire type, and is broken when they are cut") {
  const Encoding values[]{{0x08, 0xff, 0x01},
                          {0x09, 1, 2, 3, 4, 5, 6, 7, 8},
                          {0x0a, 0x02, 'a', 'b'},
                          {0x0b, 0x08, 0x01, 0x13, 0x14, 0x0c},
                          {0x0d, 1, 2, 3, 4}};
  for (const Encoding& value : values) {
    WireReader whole(value);
    REQUIRE(whole.next());
    whole.skip();
    CHECK_FALSE(whole.next());
    CHECK_FALSE(whole.broken());
    for (std::size_t size = 1; size < value.size(); ++size) {
      CAPTURE(size);
      const Encoding cut(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(size));
      WireReader reader(cut);
      REQUIRE(reader.next());
      reader.skip();
      CHECK_FALSE(reader.next());
      CHECK(reader.broken());
    }
  }
}

TEST_CASE("WireReader skips groups that match, nested to a limit") {
  CHECK(fields_of({0x0b, 0x14}) == "1:skipped broken");
  CHECK(fields_of({0x0c}) == "1:skipped broken");
  CHECK(fields_of(nested_groups(100)) == "1:skipped end");
  CHECK(fields_of(nested_groups(101)) == "1:skipped broken");
}

TEST_CASE("WireReader refuses lengths beyond the end, however long") {
  CHECK(fields_of({0x0a, 0x01}) == "1: broken");
  CHECK(fields_of({0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 'a'}) == "1: broken");
}
