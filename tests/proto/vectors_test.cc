#include "tests/proto/vectors.h"

#include <doctest/doctest.h>

#include <string>

#include "proto/json_form.h"
#include "proto/proto_form.h"

using namespace ringcast::proto;
using test::Encoding;
using test::Vector;

namespace {

std::string text(const Encoding& bytes) {
  return {bytes.begin(), bytes.end()};
}

// What was read, as both forms write it: equal for equal requests and events, as writers have no choice.
struct Written {
  Encoding wire;
  std::string json;

  bool operator==(const Written&) const = default;
};

template <class RequestOrEvent>
Written write_both(const RequestOrEvent& plain) {
  Encoding wire;
  Encoding json;
  ProtoForm::write(plain, wire);
  JsonForm::write(plain, json);
  return {wire, text(json)};
}

// Reads one encoding, and writes what it is.
template <class Form>
std::expected<Written, Fault> read_and_write(bool from_client, const Encoding& in) {
  Form form;
  if (from_client) {
    const auto request = form.read_request(in);
    if (!request) return std::unexpected(request.error());
    return write_both(*request);
  }
  const auto event = form.read_event(in);
  if (!event) return std::unexpected(event.error());
  return write_both(*event);
}

template <class Form>
void check_good(const Vector& vector, const Encoding& in) {
  CAPTURE(text(in));
  const auto written = read_and_write<Form>(vector.from_client, in);
  if (!written) {
    FAIL_CHECK(name(written.error().code) << ": " << written.error().text);
    return;
  }
  CHECK(written->wire == vector.wire.front());
  CHECK(written->json == text(vector.json.front()));
}

template <class Form>
void check_bad(const Vector& vector, const Encoding& in) {
  CAPTURE(text(in));
  const auto written = read_and_write<Form>(vector.from_client, in);
  REQUIRE_FALSE(written.has_value());
  const Fault& fault = written.error();
  CHECK(name(fault.code) == vector.reject.code);
  CHECK(fault.field == vector.reject.field);
  CHECK(fault.id == vector.reject.id);
  // A sentence that names its field.
  CHECK_FALSE(fault.text.empty());
  CHECK(fault.text.find(fault.field) != std::string::npos);
}

}  // namespace

TEST_CASE("every good vector is read the same in both forms, and written as it is") {
  std::size_t count = 0;
  for (const Vector& vector : test::vectors()) {
    if (vector.is_bad) continue;
    CAPTURE(vector.name);
    REQUIRE_FALSE(vector.wire.empty());
    REQUIRE_FALSE(vector.json.empty());
    for (const Encoding& wire : vector.wire) check_good<ProtoForm>(vector, wire);
    for (const Encoding& json : vector.json) check_good<JsonForm>(vector, json);
    ++count;
  }
  CHECK(count >= 60);
}

TEST_CASE("every bad vector is refused with its code, field and id") {
  std::size_t count = 0;
  for (const Vector& vector : test::vectors()) {
    if (!vector.is_bad) continue;
    CAPTURE(vector.name);
    REQUIRE(vector.wire.size() + vector.json.size() > 0);
    for (const Encoding& wire : vector.wire) check_bad<ProtoForm>(vector, wire);
    for (const Encoding& json : vector.json) check_bad<JsonForm>(vector, json);
    ++count;
  }
  CHECK(count >= 100);
}
