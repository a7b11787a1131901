#include <doctest/doctest.h>

#include <string>

#include "proto/json_form.h"
#include "proto/proto_form.h"
#include "tests/proto/vectors.h"

using namespace ringcast::proto;
using test::Encoding;
using test::Vector;

namespace {

template <class Form>
bool is_read(Form& form, bool from_client, Bytes in) {
  return from_client ? form.read_request(in).has_value() : form.read_event(in).has_value();
}

// A copy of its own, so that a sanitizer sees who reads past the end.
template <class Form>
bool beginning_is_read(Form& form, bool from_client, const Encoding& in, std::size_t size) {
  return is_read(form, from_client, Encoding(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(size)));
}

// Every `step`th byte changed in several ways, one at a time.
template <class Form>
void read_changed(Form& form, bool from_client, const Encoding& in, std::size_t step) {
  for (const unsigned change : {0x01U, 0x04U, 0x80U, 0xffU}) {
    for (std::size_t i = 0; i < in.size(); i += step) {
      Encoding changed = in;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ change);
      (void)is_read(form, from_client, changed);
    }
  }
}

}  // namespace

TEST_CASE("every good vector is refused, in both forms, when it is cut anywhere") {
  ProtoForm proto;
  JsonForm json;
  for (const Vector& vector : test::vectors()) {
    if (vector.is_bad) continue;
    CAPTURE(vector.name);
    for (std::size_t size = 0; size < vector.wire.front().size(); ++size) {
      REQUIRE_FALSE(beginning_is_read(proto, vector.from_client, vector.wire.front(), size));
    }
    for (std::size_t size = 0; size < vector.json.front().size(); ++size) {
      REQUIRE_FALSE(beginning_is_read(json, vector.from_client, vector.json.front(), size));
    }
  }
}

TEST_CASE("a vector with any byte changed is read or refused, and what was read before is read after it") {
  ProtoForm proto;
  JsonForm json;
  const Encoding good_wire{0x22, 0x03, 0x12, 0x01, 'a'};
  const std::string good_json = R"({"publish":{"topic":"a","text":""}})";
  for (const Vector& vector : test::vectors()) {
    CAPTURE(vector.name);
    for (const Encoding& wire : vector.wire) read_changed(proto, vector.from_client, wire, 1);
    for (const Encoding& text : vector.json) read_changed(json, vector.from_client, text, 3);
    REQUIRE(is_read(proto, true, good_wire));
    REQUIRE(is_read(json, true, Encoding(good_json.begin(), good_json.end())));
  }
}
