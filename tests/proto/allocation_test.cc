#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proto/headers.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"
#include "proto/wire_reader.h"
#include "tests/topics/count_allocations.h"

using namespace ringcast::proto;
using ringcast::topics::test::allocations;

namespace {

using Encoding = std::vector<std::uint8_t>;

// What is published and delivered: each format, with headers and what JSON escapes.
struct Sample {
  Format format;
  std::string payload;
};

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all{{Format::json, R"({"px":191.2,"text":"\u00e9\n"})"},
                                       {Format::text, "line\nline \"quoted\" \\ é\n"},
                                       {Format::binary, std::string(300, '\xa5')}};
  return all;
}

std::string headers() {
  std::string encoded;
  append_header({"trace", "00-4bf9\n"}, encoded);
  append_header({"\"k\"", ""}, encoded);
  return encoded;
}

// How often `work` allocates, once it has been done twice.
template <class Work>
std::uint64_t steady(Work work) {
  work();
  work();
  const std::uint64_t before = allocations();
  for (int i = 0; i < 10; ++i) work();
  return allocations() - before;
}

template <class Form>
void check_form() {
  const std::string encoded = headers();
  Form form;
  Encoding out;
  for (const Sample& sample : samples()) {
    const Publish publish{.id = 1,
                          .topic = "ticker/\"é\"",
                          .format = sample.format,
                          .headers = encoded,
                          .payload = as_bytes(sample.payload)};
    const Message message{
        .topic = "ticker/\"é\"", .format = sample.format, .headers = encoded, .payload = as_bytes(sample.payload)};
    Encoding in;
    Form::write(publish, in);
    CHECK(steady([&] { CHECK(form.read_request(in).has_value()); }) == 0);
    const std::vector<Publish> both{publish, publish};
    Form::write(Request(PublishBatch{both}), in);
    CHECK(steady([&] { CHECK(form.read_request(in).has_value()); }) == 0);
    CHECK(steady([&] { Form::write(message, out); }) == 0);
    CHECK(steady([&] { Form::write(publish, out); }) == 0);
    Form::write(message, in);
    CHECK(steady([&] { CHECK(form.read_event(in).has_value()); }) == 0);
  }
  const Ack ack{.id = 1, .seq = 2, .time_us = 3};
  CHECK(steady([&] { Form::write(ack, out); }) == 0);
}

}  // namespace

TEST_CASE("reading publishes and messages and writing messages and acks allocates nothing: Protocol Buffers") {
  check_form<ProtoForm>();
}

TEST_CASE("reading publishes and messages and writing messages and acks allocates nothing: JSON") {
  check_form<JsonForm>();
}

TEST_CASE("headers scattered among other fields are gathered without allocating") {
  // publish{ headers{"a":"1"}, topic "t", headers{"b":"2"} }
  const Encoding in{0x22, 0x13, 0x32, 0x06, 0x0a, 0x01, 'a', 0x12, 0x01, '1', 0x12,
                    0x01, 't',  0x32, 0x06, 0x0a, 0x01, 'b', 0x12, 0x01, '2'};
  ProtoForm form;
  CHECK(steady([&] {
          const auto request = form.read_request(in);
          REQUIRE(request.has_value());
          CHECK(std::get<Publish>(*request).headers.size() == 16);
        }) == 0);
}
