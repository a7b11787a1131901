#include "broker/batch.h"

#include <doctest/doctest.h>

#include <string>

namespace ringcast::broker {

namespace {

std::string numbers_of(std::string_view body) {
  const auto lines = Batch::split(body);
  if (!lines) return std::string(lines.error().name);
  std::string text;
  for (const BatchLine& line : *lines) text += std::to_string(line.number) + ":" + std::string(line.text) + ";";
  return text;
}

Delivery ack(std::uint32_t ticket, std::uint64_t seq, Outcome outcome = Outcome::sequenced) {
  return {.kind = Delivery::Kind::ack, .outcome = outcome, .ticket = ticket, .seq = seq, .time_us = 5};
}

}  // namespace

TEST_CASE("a batch is split at LF or CR LF, with or without one at its end; empty lines count but are no messages") {
  CHECK(numbers_of("a\nb\n") == "1:a;2:b;");
  CHECK(numbers_of("a\nb") == "1:a;2:b;");
  CHECK(numbers_of("a\r\nb\r\n") == "1:a;2:b;");
  CHECK(numbers_of("\n\na\n \t\nb\n\n") == "3:a;5:b;");
  CHECK(numbers_of("a\rb\n") == "1:a\rb;");
}

TEST_CASE("a batch has a line, and at most 1024") {
  CHECK(numbers_of("") == "no_lines");
  CHECK(numbers_of("\n\r\n \n") == "no_lines");
  std::string body;
  for (std::uint32_t i = 0; i < Batch::kLinesMax; ++i) body += "x\n\n";
  CHECK(Batch::split(body)->size() == Batch::kLinesMax);
  CHECK(numbers_of(body + "x") == "too_many_lines");
}

TEST_CASE("results come in the order of the lines, in whichever order they are answered") {
  Batch batch;
  batch.begin(*Batch::split("a\n\nb\nc\nd"), 7);
  CHECK(!batch.waits_for(6));
  CHECK(!batch.waits_for(11));
  batch.refused(8, {.status = 400, .name = "bad_topic", .message = "no \"topic\""}, "topic");
  CHECK(!batch.waits_for(8));
  batch.sequenced(ack(10, 3, Outcome::duplicate), "e0");
  batch.sequenced(ack(7, 2), "e0");
  CHECK(!batch.complete());
  CHECK(batch.waits_for(9));
  batch.refused(9, {.status = 503, .name = "busy", .message = "later"});
  REQUIRE(batch.complete());
  CHECK(batch.text() == R"({"line":1,"seq":2,"epoch":"e0","time_us":5}
{"line":3,"status":400,"error":"bad_topic","message":"no \"topic\"","field":"topic"}
{"line":4,"status":503,"error":"busy","message":"later"}
{"line":5,"seq":3,"epoch":"e0","time_us":5,"duplicate":true}
)");
}

}  // namespace ringcast::broker
