#include "perf/report.h"

#include <array>
#include <cstdio>

#include "frame/http_response.h"

namespace ringcast::perf {
namespace {

// Adds members to an object that is never empty.
class Json {
 public:
  explicit Json(std::string& out) : out_(out) { out_ = "{\"tool\":\"load\""; }

  void add(const char* name, std::uint64_t value) { (begin(name), out_) += std::to_string(value); }
  void add(const char* name, double value) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.3f", value);
    (begin(name), out_) += text.data();
  }
  void add(const char* name, const std::string& value) {
    begin(name);
    frame::append_json_string(out_, value);
  }
  void add(const char* name, const std::optional<std::uint64_t>& value) {
    if (value) add(name, *value);
  }
  void end() { out_ += "}\n"; }

 private:
  void begin(const char* name) { ((out_ += ",\"") += name) += "\":"; }

  std::string& out_;
};

double per_second(const Report& report) {
  return report.seconds > 0 ? static_cast<double>(report.delivered) / report.seconds : 0;
}

// The server's CPU nanoseconds for each of `count`.
std::optional<std::uint64_t> cpu_per(const Report& report, std::uint64_t count) {
  if (!report.server_cpu_ns || count == 0) return std::nullopt;
  return *report.server_cpu_ns / count;
}

double per_receive(const Report& report) {
  return report.receives > 0 ? static_cast<double>(report.delivered) / static_cast<double>(report.receives) : 0;
}

std::string line(const char* name, const std::string& value) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), "  %-24s %s\n", name, value.c_str());
  return text.data();
}

std::string number(double value, const char* unit) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), value < 100 ? "%.2f%s" : "%.0f%s", value, unit);
  return text.data();
}

std::string milliseconds(std::uint64_t ns) {
  return number(static_cast<double>(ns) / 1e6, " ms");
}

}  // namespace

void Report::compare(const Usage& before, const Usage& open) {
  if (connections == 0) return;
  cpu_ns_per_connection = (open.cpu_ns - before.cpu_ns) / connections;
  if (open.rss_bytes > before.rss_bytes) bytes_per_connection = (open.rss_bytes - before.rss_bytes) / connections;
  if (open.anon_bytes > before.anon_bytes) {
    anon_bytes_per_connection = (open.anon_bytes - before.anon_bytes) / connections;
  }
}

std::string to_json(const Report& report, const LoadOptions& options) {
  std::string out;
  Json json(out);
  json.add("protocol", std::string(name(options.protocol)));
  json.add("subscribers", std::uint64_t{options.subscribers});
  json.add("publishers", std::uint64_t{options.publishers});
  json.add("topics", std::uint64_t{options.topics});
  json.add("size", std::uint64_t{options.size});
  if (options.window > 0) json.add("window", std::uint64_t{options.window});
  if (options.window == 0) json.add("rate", options.rate_hz);
  json.add("seconds", report.seconds);
  json.add("connections", report.connections);
  if (options.each > 1) json.add("each", std::uint64_t{options.each});
  if (options.decoys > 0) json.add("decoys", std::uint64_t{options.decoys});
  json.add("published", report.published);
  json.add("published_measured", report.published_measured);
  json.add("delivered", report.delivered);
  json.add("delivered_per_second", per_second(report));
  json.add("delivered_per_receive", per_receive(report));
  json.add("lost", report.lost);
  json.add("doubled", report.doubled);
  json.add("out_of_order", report.out_of_order);
  json.add("misrouted", report.misrouted);
  json.add("disagreements", std::uint64_t{report.disagreements});
  json.add("unanswered", report.unanswered);
  json.add("ended", std::uint64_t{report.ended});
  json.add("compared", report.compared);
  json.add("stalled_ended", std::uint64_t{report.stalled_ended});
  json.add("latency_p50_ns", report.latency_p50_ns);
  json.add("latency_p99_ns", report.latency_p99_ns);
  json.add("latency_p999_ns", report.latency_p999_ns);
  json.add("latency_max_ns", report.latency_max_ns);
  json.add("late_p99_ns", report.late_p99_ns);
  json.add("load_cpu_share", report.load_cpu_share);
  json.add("server_cpu_ns", report.server_cpu_ns);
  json.add("server_cpu_ns_per_delivery", cpu_per(report, report.delivered));
  json.add("server_cpu_ns_per_receive", cpu_per(report, report.receives));
  json.add("server_cpu_ns_per_publish", cpu_per(report, report.published_measured));
  json.add("segments", report.segments);
  json.add("opened_per_second", report.opened_per_second);
  json.add("server_cpu_ns_per_connection", report.cpu_ns_per_connection);
  json.add("server_rss_bytes", report.server_rss_bytes);
  json.add("bytes_per_connection", report.bytes_per_connection);
  json.add("anon_bytes_per_connection", report.anon_bytes_per_connection);
  if (!report.first_end.empty()) json.add("first_end", report.first_end);
  json.end();
  return out;
}

std::string to_table(const Report& report) {
  std::string out = line("delivered", number(per_second(report), " /s"));
  out += line("together in one receive", number(per_receive(report), " messages"));
  out += line("lost, doubled, disorder", std::to_string(report.lost) + ", " + std::to_string(report.doubled) + ", " +
                                             std::to_string(report.out_of_order));
  if (report.misrouted > 0) out += line("misrouted", std::to_string(report.misrouted));
  if (report.disagreements > 0) out += line("topics in disagreement", std::to_string(report.disagreements));
  if (report.unanswered > 0) out += line("publishes not answered", std::to_string(report.unanswered));
  if (report.ended > 0)
    out += line("ended by the server", std::to_string(report.ended) + ", first " + report.first_end);
  if (report.stalled_ended > 0) out += line("stalled ones ended", std::to_string(report.stalled_ended));
  out +=
      line("latency p50, p99, p99.9", milliseconds(report.latency_p50_ns) + ", " + milliseconds(report.latency_p99_ns) +
                                          ", " + milliseconds(report.latency_p999_ns));
  out += line("latency max", milliseconds(report.latency_max_ns));
  out += line("sent late by (p99)", milliseconds(report.late_p99_ns));
  if (const auto cpu = cpu_per(report, report.delivered)) {
    out += line("server CPU",
                number(static_cast<double>(*cpu), " ns per delivery, ") +
                    number(static_cast<double>(*report.server_cpu_ns) / report.seconds / 1e7, " % of one CPU"));
  }
  if (report.segments)
    out += line("TCP segments", number(static_cast<double>(*report.segments) / report.seconds, " /s"));
  out += line("connections opened", number(report.opened_per_second, " /s"));
  if (report.server_rss_bytes) {
    out += line("server memory", number(static_cast<double>(*report.server_rss_bytes) / 1048576, " MiB"));
  }
  if (report.bytes_per_connection) {
    out += line("per connection", std::to_string(*report.bytes_per_connection) + " bytes");
  }
  out += line("this generator's CPU", number(report.load_cpu_share * 100, " %"));
  if (report.load_cpu_share > 0.9) out += "  The load generator had no CPU left: it was measured, not the server.\n";
  return out;
}

}  // namespace ringcast::perf
