#include "perf/load_options.h"

#include <CLI/CLI.hpp>
#include <map>
#include <sstream>

#include "perf/ledger.h"
#include "perf/stamp.h"

namespace ringcast::perf {
namespace {

std::string check(const LoadOptions& options) {
  if (options.topics == 0 || options.publishers == 0 || options.streams() % options.topics != 0 ||
      options.streams() % options.publishers != 0) {
    return "--publishers must be a multiple of --topics, or a divisor";
  }
  if (options.each == 0 || options.each > options.topics) return "--each is from 1 to --topics";
  if (options.protocol == Form::raw && options.each > 1) return "--each above 1 needs the full --protocol";
  if (options.publisher_form() == Form::raw && options.topics > options.publishers) {
    return "a raw publisher has one topic: more --topics than --publishers need another --publish";
  }
  if ((options.protocol == Form::nats) != (options.publisher_form() == Form::nats)) return "nats is for all or none";
  if (options.size < kStampSize) return "--size must be at least 16: the stamp that latency is measured by";
  if (options.protocol != Form::raw && options.size < kHexStampSize) return "with a --protocol, --size is at least 28";
  if (options.streams() > kStreamsMax) return "--topics and --publishers are at most " + std::to_string(kStreamsMax);
  const std::uint64_t heard = options.filters == Filters::exact ? options.each : options.topics;
  if (heard * (options.streams() / options.topics) * options.subscribers > Ledger::kEntriesMax) {
    return "what all subscribers hear is more than " + std::to_string(Ledger::kEntriesMax) + " streams";
  }
  const double each = options.rate_hz * (options.warmup + options.seconds) / options.streams();
  if (options.window == 0 && each > kNumberMax) return "a stream would have more messages than numbers";
  if (options.window == 0 && options.rate_hz <= 0) return "--rate must be above 0";
  return {};
}

}  // namespace

std::expected<LoadOptions, Refusal> parse_load_options(int argc, const char* const* argv) {
  LoadOptions options;
  const std::map<std::string, Filters> filters{
      {"exact", Filters::exact}, {"plus", Filters::plus}, {"hash", Filters::hash}, {"mixed", Filters::mixed}};
  const std::map<std::string, Form> forms{
      {"raw", Form::raw}, {"json", Form::json}, {"proto", Form::proto}, {"nats", Form::nats}};
  CLI::App app(
      "Drives a broker over WebSockets and checks what arrives. Figures go to stdout as JSON, a table to stderr.");
  app.add_option("--host", options.host, "IPv4 address of the broker");
  app.add_option("--port", options.port, "Port of the broker");
  app.add_option("--subscribers", options.subscribers, "Subscribers that read at once");
  app.add_option("--publishers", options.publishers, "Publishing connections");
  app.add_option("-T,--topics", options.topics, "Topics, spread over publishers and subscribers");
  app.add_option("--each", options.each, "Topics of each subscriber, one after the other");
  app.add_option("--filters", options.filters, "exact, plus, hash (every topic) or mixed (a third each)")
      ->transform(CLI::CheckedTransformer(filters));
  app.add_option("--protocol", options.protocol,
                 "raw, json or proto (the full protocol in either form); nats: a nats-server's WebSocket")
      ->transform(CLI::CheckedTransformer(forms));
  app.add_option("--publish", options.publish, "The publishers' protocol, if it is another")
      ->transform(CLI::CheckedTransformer(forms));
  app.add_option("--rate", options.rate_hz,
                 "Messages per second of all publishers; latency counts from when one was due");
  app.add_option("--closed", options.window,
                 "Closed loop: this many messages of each publisher and topic under way; ignores --rate");
  app.add_option("--size", options.size, "Bytes of payload");
  app.add_flag("--text", options.text, "Text messages instead of binary");
  app.add_option("--seconds", options.seconds, "Seconds to measure")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--warmup", options.warmup, "Seconds before that")->check(CLI::Range(0.0, 600.0));
  app.add_option("--drain", options.drain, "Seconds after that at most for what still comes; what does not is lost")
      ->check(CLI::Range(0.0, 600.0));
  app.add_option("--stalled", options.stalled, "Subscribers that never read");
  app.add_option("--idle", options.idle, "Subscribers of a topic that nobody publishes to");
  app.add_option("--decoys", options.decoys, "Wildcard filters, of one more connection, that match nothing");
  app.add_option("--pid", options.pid, "Process id of the broker, for its CPU and memory");
  app.add_option("--cpu", options.cpu, "CPU to run on");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    const int code = app.exit(error, text, text);
    return std::unexpected(Refusal{.text = text.str(), .exit_code = code == 0 ? 0 : 2});
  }
  if (const std::string wrong = check(options); !wrong.empty()) return std::unexpected(Refusal{.text = wrong + '\n'});
  return options;
}

}  // namespace ringcast::perf
