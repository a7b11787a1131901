#include "client/message_line.h"

#include <doctest/doctest.h>

#include <cmath>

#include "client/latency.h"

using namespace ringcast;
using namespace ringcast::client;

namespace {

std::string json(const Message& message) {
  std::string out;
  append_json(out, message);
  return out;
}

std::string plain(const Message& message, ShowTopic topic) {
  std::string out;
  append_plain(out, message, topic);
  return out;
}

}  // namespace

TEST_CASE("append_json makes one line of any message, with what it has and no more") {
  CHECK(json({.topic = "a/\"b\"", .payload = "x\ny", .format = Format::text, .seq = 7, .time_us = 8}) ==
        "{\"topic\":\"a/\\\"b\\\"\",\"seq\":7,\"time_us\":8,\"text\":\"x\\ny\"}\n");
  CHECK(json({.topic = "a", .payload = "{\"b\":\r\n1}", .format = Format::json, .mark = Mark::replay}) ==
        "{\"topic\":\"a\",\"seq\":0,\"time_us\":0,\"mark\":\"replay\",\"json\":{\"b\":  1}}\n");
  CHECK(json({.topic = "a", .op = Op::remove, .format = Format::text, .mark = Mark::snapshot}) ==
        "{\"topic\":\"a\",\"seq\":0,\"time_us\":0,\"mark\":\"snapshot\",\"op\":\"remove\"}\n");
  const Header headers[] = {{.name = "n", .value = "v"}, {.name = "m", .value = "\""}};
  CHECK(json({.topic = "a",
              .payload = std::string_view("\0\xff", 2),
              .op = Op::event,
              .content_type = "x/y",
              .headers = headers}) ==
        "{\"topic\":\"a\",\"seq\":0,\"time_us\":0,\"op\":\"event\",\"content_type\":\"x/y\","
        "\"headers\":{\"n\":\"v\",\"m\":\"\\\"\"},\"base64\":\"AP8=\"}\n");
}

TEST_CASE("append_plain shows the topic when asked, and no bytes that are not text") {
  CHECK(plain({.topic = "a", .payload = "x", .format = Format::text}, ShowTopic::no) == "x\n");
  CHECK(plain({.topic = "a", .payload = "x", .format = Format::json}, ShowTopic::yes) == "a\tx\n");
  CHECK(plain({.topic = "a", .payload = std::string_view("\0\xff", 2)}, ShowTopic::no) == "base64:AP8=\n");
  CHECK(plain({.topic = "a", .op = Op::remove, .format = Format::text}, ShowTopic::yes) == "a\t(removed)\n");
}

TEST_CASE("Latency's quantiles are at most one bucket above the truth") {
  Latency latency;
  CHECK(latency.quantile_us(0.5) == 0);
  for (std::int64_t value = 1; value <= 100'000; ++value) latency.add(value);
  latency.add(-5);
  for (const double q : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const double truth = std::ceil(q * 100'001) - 1;
    CHECK(static_cast<double>(latency.quantile_us(q)) >= truth);
    CHECK(static_cast<double>(latency.quantile_us(q)) <= truth * 1.07 + 1);
  }
  CHECK(latency.max_us() == 100'000);
  CHECK(latency.count() == 100'001);
  Latency far;
  far.add(std::int64_t{1} << 62);
  CHECK(far.quantile_us(0.5) == std::uint64_t{1} << 62);
  Latency one;
  one.add(1234);
  CHECK(one.summary() == "p50 1.23 ms, p99 1.23 ms, max 1.23 ms");
}
