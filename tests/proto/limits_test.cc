#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proto/headers.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"
#include "proto/wire_reader.h"

using namespace ringcast::proto;

// Most limits are in proto/vectors, on both sides; here are those that would make them long.

namespace {

using Encoding = std::vector<std::uint8_t>;

Encoding write_batch(auto write, std::size_t count) {
  const std::vector<Publish> messages(count, Publish{.topic = "a"});
  Encoding out;
  write(Request(PublishBatch{messages}), out);
  return out;
}

template <class Form>
void check_batches() {
  const auto write = [](const Request& request, Encoding& out) { Form::write(request, out); };
  Form form;
  const auto most = form.read_request(write_batch(write, kBatchMessagesMax));
  REQUIRE(most.has_value());
  CHECK(std::get<PublishBatch>(*most).messages.size() == kBatchMessagesMax);
  const auto more = form.read_request(write_batch(write, kBatchMessagesMax + 1));
  REQUIRE_FALSE(more.has_value());
  CHECK(more.error().code == ErrorCode::too_large);
  CHECK(more.error().field == "publish_batch.messages");
}

std::string nested(std::size_t depth, std::string_view inside) {
  return std::string(depth, '[') + std::string(inside) + std::string(depth, ']');
}

template <class Form>
std::expected<Request, Fault> read_payload(Form& form, const std::string& payload) {
  Encoding out;
  Form::write(Publish{.topic = "a", .format = Format::json, .payload = as_bytes(payload)}, out);
  return form.read_request(out);
}

template <class Form>
void check_depth() {
  Form form;
  CHECK(read_payload(form, nested(kJsonDepthMax, "1")).has_value());
  CHECK(read_payload(form, nested(kJsonDepthMax, " \"]]\" ")).has_value());
  CHECK(read_payload(form, nested(kJsonDepthMax, "[]")).has_value());  // an innermost one that is empty does not count
  CHECK(read_payload(form, nested(kJsonDepthMax, "{ }")).has_value());
  for (const char* const inside : {"[1]", "[[]]", "{\"a\":{}}", "[[],[]]", "[{}]"}) {
    const auto deeper = read_payload(form, nested(kJsonDepthMax, inside));
    REQUIRE_FALSE(deeper.has_value());
    CHECK(deeper.error().code == ErrorCode::too_large);
  }
}

template <class Form>
void check_tokens() {
  Form form;
  Encoding out;
  const std::string longest(kResumeTokenBytesMax, 't');
  Form::write(Request(Subscribe{.id = 1, .filter = "a", .start = Start::resume, .resume_token = longest}), out);
  const auto most = form.read_request(out);
  REQUIRE(most.has_value());
  CHECK(std::get<Subscribe>(*most).resume_token == longest);
  const std::string longer = longest + "t";
  Form::write(Request(Subscribe{.id = 1, .filter = "a", .start = Start::resume, .resume_token = longer}), out);
  const auto more = form.read_request(out);
  REQUIRE_FALSE(more.has_value());
  CHECK(more.error().code == ErrorCode::too_large);
  CHECK(more.error().field == "subscribe.resume_token");
  CHECK(more.error().id == 1);
}

}  // namespace

TEST_CASE("a batch has at most kBatchMessagesMax messages") {
  check_batches<ProtoForm>();
  check_batches<JsonForm>();
}

TEST_CASE("a JSON payload is nested at most kJsonDepthMax deep, in both forms alike") {
  check_depth<ProtoForm>();
  check_depth<JsonForm>();
}

TEST_CASE("in a batch a JSON payload may be as deep as alone") {
  const std::string deepest = nested(kJsonDepthMax, "1");
  const std::vector<Publish> messages{{.topic = "a", .format = Format::json, .payload = as_bytes(deepest)}};
  Encoding out;
  JsonForm::write(Request(PublishBatch{messages}), out);
  JsonForm form;
  CHECK(form.read_request(out).has_value());
}

TEST_CASE("a resume token has at most kResumeTokenBytesMax bytes") {
  check_tokens<ProtoForm>();
  check_tokens<JsonForm>();
}

TEST_CASE("Protocol Buffers carry integers of 64 bits") {
  ProtoForm form;
  Encoding out;
  ProtoForm::write(Publish{.id = UINT64_MAX, .topic = "a", .producer_seq = UINT64_MAX}, out);
  const auto request = form.read_request(out);
  REQUIRE(request.has_value());
  CHECK(std::get<Publish>(*request).id == UINT64_MAX);
  CHECK(std::get<Publish>(*request).producer_seq == UINT64_MAX);
}

TEST_CASE("a client reads a message with JSON as deep as HTTP takes it, and with more headers than it may send") {
  const std::string deep = nested(1023, "1");
  std::string headers;
  for (int i = 0; i < 100; ++i) append_header({std::to_string(i % 50), std::string(100, 'v')}, headers);
  Encoding out;
  const Message message{.topic = "a", .format = Format::json, .headers = headers, .payload = as_bytes(deep)};
  const auto check = [&](const auto& event) {
    REQUIRE(event.has_value());
    CHECK(as_text(std::get<Message>(*event).payload) == deep);
    CHECK(std::get<Message>(*event).headers == headers);
  };
  JsonForm json;
  JsonForm::write(message, out);
  check(json.read_event(out));
  ProtoForm proto;
  ProtoForm::write(message, out);
  check(proto.read_event(out));
}
