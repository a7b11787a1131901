// What /metrics says, read back by rules of its own: prometheus.io/docs/instrumenting/exposition_formats.
#include "broker/exposition.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace ringcast::broker {

namespace {

struct Exposed {
  std::map<std::string, std::string> types;  // by family
  std::map<std::string, std::string> helps;  // by family
  std::map<std::string, double> values;      // by name and labels, as they stand
  std::vector<std::string> faults;
};

bool is_metric_name(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  return !(name.front() >= '0' && name.front() <= '9');
}

// Reads the text strictly: a HELP and a TYPE before each family's series, all of them together, none twice.
Exposed read_exposition(const std::string& text) {
  Exposed exposed;
  std::string family;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string::npos) {
      exposed.faults.push_back("the last line has no end");
      break;
    }
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) {
      const std::size_t space = line.find(' ', 7);
      family = line.substr(7, space - 7);
      auto& table = line[2] == 'H' ? exposed.helps : exposed.types;
      if (!table.emplace(family, line.substr(space + 1)).second) exposed.faults.push_back("twice: " + line);
      continue;
    }
    const std::size_t space = line.rfind(' ');
    const std::string series = line.substr(0, space);
    const std::string name = series.substr(0, series.find('{'));
    const bool of_histogram = exposed.types[family] == "histogram";
    const bool fits =
        name == family ||
        (of_histogram && (name == family + "_bucket" || name == family + "_sum" || name == family + "_count"));
    if (!fits || !is_metric_name(name)) exposed.faults.push_back("not of " + family + ": " + line);
    std::size_t used = 0;
    const double value = std::stod(line.substr(space + 1), &used);
    if (used != line.size() - space - 1) exposed.faults.push_back("no number: " + line);
    if (!exposed.values.emplace(series, value).second) exposed.faults.push_back("twice: " + line);
  }
  return exposed;
}

Exposed expose(std::span<const Sampled> shards, topics::ShardSet silent = 0, State state = State::ready) {
  const About about{.shards = static_cast<std::uint32_t>(shards.size()), .epoch = "ff", .io = "epoll"};
  return read_exposition(exposition(about, state, shards, silent, {.cpu_seconds = 1.5, .resident_bytes = 4096}));
}

}  // namespace

TEST_CASE("every family has HELP and TYPE, a prefix, and a name that fits its kind") {
  const std::vector<Sampled> shards(3);
  const Exposed exposed = expose(shards);
  for (const std::string& fault : exposed.faults) FAIL_CHECK(fault);
  CHECK(exposed.types.size() > 40);
  for (const auto& [family, type] : exposed.types) {
    CAPTURE(family);
    CHECK((family.starts_with("ringcast_") || family.starts_with("process_")));
    CHECK(family.ends_with("_total") == (type == "counter"));
    REQUIRE(exposed.helps.contains(family));
    CHECK(exposed.helps.at(family).ends_with("."));
    for (const char* unit : {"_ms", "_us", "_milliseconds", "_kib", "_mib"}) CHECK_FALSE(family.ends_with(unit));
  }
  CHECK(exposed.helps.size() == exposed.types.size());
}

TEST_CASE("every figure of every shard is told with its value") {
  std::vector<Sampled> shards(2);
  std::uint64_t number = 0;
  for (Sampled& shard : shards) {
    for (const Figure& figure : figures()) shard.sample.*figure.field = ++number;
    for (auto& cell : shard.sample.connections_by_kind) cell = ++number;
    for (auto& cell : shard.sample.closes_by_code) cell = ++number;
    for (auto& cell : shard.sample.resumes) cell = ++number;
  }
  const Exposed exposed = expose(shards);
  std::set<std::string> names;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    for (const Figure& figure : figures()) {
      if (figure.metric.empty()) continue;
      const std::string series = std::string(figure.metric) + "{shard=\"" + std::to_string(i) + "\"}";
      CAPTURE(series);
      REQUIRE(exposed.values.contains(series));
      CHECK(exposed.values.at(series) == static_cast<double>(shards[i].sample.*figure.field));
    }
  }
  CHECK(exposed.values.at("ringcast_connections{shard=\"1\",protocol=\"sse\"}") ==
        static_cast<double>(shards[1].sample.connections_by_kind[4]));
  CHECK(exposed.values.at("ringcast_closed_websockets_total{shard=\"0\",code=\"4008\"}") > 0);
  CHECK(exposed.values.at("ringcast_closed_websockets_total{shard=\"0\",code=\"none\"}") > 0);
  CHECK(exposed.values.at("ringcast_resumes_total{shard=\"1\",outcome=\"gap\"}") ==
        static_cast<double>(shards[1].sample.resumes[2]));
  CHECK(exposed.values.contains("ringcast_refused_messages_total{shard=\"0\",reason=\"memory_full\"}"));
  CHECK_FALSE(exposed.values.contains("ringcast_refused_messages_total{shard=\"0\",reason=\"sequenced\"}"));
}

TEST_CASE("buckets of the latency rise, and count what is below their bound") {
  std::vector<Sampled> shards(1);
  Durations& latency = shards[0].sample.latency;
  latency.add(10, 3);
  latency.add(100, 4);
  latency.add(3'000'000, 5);
  latency.add(100'000'000, 1);
  const Exposed exposed = expose(shards);
  double before = 0;
  std::size_t buckets = 0;
  for (std::uint64_t us = 16; us <= std::uint64_t{1} << 24; us *= 2, ++buckets) {
    double found = -1;
    for (const auto& [series, value] : exposed.values) {
      const std::size_t at = series.find("le=\"");
      if (!series.starts_with("ringcast_latency_seconds_bucket") || at == std::string::npos) continue;
      const std::string bound = series.substr(at + 4, series.find('"', at + 4) - at - 4);
      if (bound != "+Inf" && std::abs(std::stod(bound) * 1e6 - static_cast<double>(us)) < 0.01) found = value;
    }
    CAPTURE(us);
    CHECK(found >= before);
    CHECK(found == (us < 128 ? 3 : us < 4'000'000 ? 7 : 12));
    before = found;
  }
  CHECK(buckets == 21);
  CHECK(exposed.values.at("ringcast_latency_seconds_count{shard=\"0\"}") == 13);
  CHECK(exposed.values.at("ringcast_latency_seconds_bucket{shard=\"0\",le=\"+Inf\"}") == 13);
  CHECK(exposed.values.at("ringcast_latency_seconds_sum{shard=\"0\"}") == doctest::Approx(115.00043));
}

TEST_CASE("shards that are silent and a broker that is not ready are told") {
  const std::vector<Sampled> shards(3);
  const Exposed exposed = expose(shards, topics::only(1), State::draining);
  CHECK(exposed.values.at("ringcast_shard_up{shard=\"0\"}") == 1);
  CHECK(exposed.values.at("ringcast_shard_up{shard=\"1\"}") == 0);
  CHECK(exposed.values.at("ringcast_ready") == 0);
  CHECK(exposed.values.at("process_cpu_seconds_total") == 1.5);
}

}  // namespace ringcast::broker
