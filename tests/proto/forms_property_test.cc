#include <doctest/doctest.h>

#include <random>
#include <string>

#include "proto/json_form.h"
#include "proto/proto_form.h"
#include "tests/proto/library.h"
#include "tests/proto/plain.h"
#include "tests/proto/random_plain.h"
#include "tests/proto/shuffled.h"

using namespace ringcast::proto;
using namespace ringcast::proto::test;

namespace {

constexpr std::uint32_t kSeeds = 1000;

template <class Form>
std::string read_request(Form& form, const Encoding& in) {
  const auto request = form.read_request(in);
  return request ? show(*request) : "refused: " + request.error().text;
}

template <class Form>
std::string read_event(Form& form, const Encoding& in) {
  const auto event = form.read_event(in);
  return event ? show(*event) : "refused: " + event.error().text;
}

}  // namespace

TEST_CASE("what ProtoForm writes, libprotobuf reads the same, and ProtoForm too") {
  ProtoForm form;
  Encoding wire;
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    RandomPlain random(seed, UINT64_MAX);
    const Request request = random.request();
    ProtoForm::write(request, wire);
    REQUIRE(library_shows_request(wire) == show(request));
    REQUIRE(read_request(form, wire) == show(request));
    const Event event = random.event();
    ProtoForm::write(event, wire);
    REQUIRE(library_shows_event(wire) == show(event));
    REQUIRE(read_event(form, wire) == show(event));
  }
}

TEST_CASE("what libprotobuf writes, ProtoForm reads the same, whatever the order of fields") {
  ProtoForm form;
  Encoding wire;
  std::mt19937 order(7);
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    RandomPlain random(seed, UINT64_MAX);
    const Request request = random.request();
    ProtoForm::write(request, wire);
    REQUIRE(read_request(form, library_rewrites_request(wire)) == show(request));
    REQUIRE(read_request(form, shuffled(wire, order)) == show(request));
    const Event event = random.event();
    ProtoForm::write(event, wire);
    REQUIRE(read_event(form, library_rewrites_event(wire)) == show(event));
    REQUIRE(read_event(form, shuffled(wire, order)) == show(event));
  }
}

TEST_CASE("headers keep their order from end to end, shuffled among other fields or not") {
  ProtoForm form;
  Encoding wire;
  std::mt19937 order(7);
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    RandomPlain random(seed, UINT64_MAX);
    const Request request = random.request();
    const auto* const publish = std::get_if<Publish>(&request);
    if (publish == nullptr) continue;
    ProtoForm::write(request, wire);
    const Encoding other = shuffled(wire, order);
    const auto read = form.read_request(other);
    REQUIRE(read.has_value());
    REQUIRE(std::get<Publish>(*read).headers == publish->headers);
  }
}

TEST_CASE("what JsonForm writes, JsonForm reads the same") {
  JsonForm form;
  Encoding json;
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    RandomPlain random(seed, kJsonIntegerMax);
    const Request request = random.request();
    JsonForm::write(request, json);
    CAPTURE(std::string(json.begin(), json.end()));
    REQUIRE(read_request(form, json) == show(request));
    const Event event = random.event();
    JsonForm::write(event, json);
    CAPTURE(std::string(json.begin(), json.end()));
    REQUIRE(read_event(form, json) == show(event));
  }
}
