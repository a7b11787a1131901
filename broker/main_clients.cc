#include "broker/main_clients.h"

#include <cstdio>
#include <ctime>
#include <expected>
#include <optional>
#include <utility>

#include "broker/main_console.h"
#include "broker/token_text.h"
#include "client/commands.h"

namespace ringcast {

using broker::Options;

namespace {

client::Progress to_client(broker::Progress progress) {
  switch (progress) {
    case broker::Progress::automatic:
      return client::Progress::automatic;
    case broker::Progress::always:
      return client::Progress::always;
    case broker::Progress::never:
      return client::Progress::never;
  }
  std::unreachable();
}

client::TlsFiles tls_files(const Options& options) {
  return {.ca = options.ca, .certificate = options.certificate, .key = options.key};
}

// The token of a client command.
std::expected<std::string, std::string> client_token(const Options& options) {
  std::string token = options.client_token;
  if (!options.client_token_file.empty()) {
    auto file = read_file(options.client_token_file);
    if (!file) return std::unexpected(file.error());
    token = file->text;
    while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  }
  if (token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/=") !=
      std::string::npos) {
    return std::unexpected("--token: what was given is no token");
  }
  return token;
}

int make_token(const Options& options) {
  if (options.token_sign_key.empty() || options.token_subject.empty())
    return refuse("token make: --key FILE and --sub NAME are needed");
  const auto file = read_file(options.token_sign_key);
  if (!file) return refuse(file.error());
  const auto token = broker::made_token(options, file->text, std::time(nullptr));
  return token ? print(*token + "\n") : refuse("token make: " + token.error());
}

int inspect_token(const Options& options, std::string token) {
  if (token == "-") {
    token.resize(kFileBytesMax);
    token.resize(std::fread(token.data(), 1, token.size(), stdin));
  }
  while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  std::optional<std::string> key;
  if (!options.token_sign_key.empty()) {
    auto file = read_file(options.token_sign_key);
    if (!file) return refuse(file.error());
    key = std::move(file->text);
  }
  const auto text = broker::inspected_token(options, token, key, std::time(nullptr));
  return text ? print(*text) : refuse("token inspect: " + text.error());
}

}  // namespace

int token(const Options& options, const std::vector<std::string>& arguments) {
  if (arguments[0] == "make" && arguments.size() == 1) return make_token(options);
  if (arguments[0] == "inspect" && arguments.size() == 2) return inspect_token(options, arguments[1]);
  return refuse("token: say make, or inspect and a token");
}

int pub(const Options& options, const std::vector<std::string>& arguments) {
  auto token = client_token(options);
  if (!token) return refuse(token.error());
  client::PubOptions pub{
      .url = options.url, .tls = tls_files(options), .token = *std::move(token), .topic = arguments[0]};
  if (arguments.size() > 1) pub.payload = arguments[1];
  pub.rate_hz = options.pub_rate_hz;
  pub.count = options.count;
  pub.kind = options.binary ? client::PayloadKind::binary : client::PayloadKind::text;
  if (options.acks != "each" && options.acks != "none") {
    return refuse("--acks: \"" + options.acks + "\" is not each or none");
  }
  pub.acks = options.acks == "each" ? client::Acks::each : client::Acks::none;
  pub.json = options.json;
  pub.retry_ms = options.retry_ms;
  pub.progress = to_client(options.progress);
  return client::run_pub(pub);
}

int sub(const Options& options, const std::vector<std::string>& arguments) {
  auto start = client::parse_start(options.last ? "last" : options.start);
  if (start && options.since_ms > 0) {
    if (options.last || options.start != "now") return refuse("--since does not go with --start and --last");
    start = client::start_since(options.since_ms);
  }
  if (start) {
    start =
        client::with_delivery(*start, {.latest = options.latest, .rate = options.sub_rate, .on_lag = options.on_lag});
  }
  if (!start) return refuse(client::to_line(start.error()));
  auto token = client_token(options);
  if (!token) return refuse(token.error());
  return client::run_sub({.url = options.url,
                          .tls = tls_files(options),
                          .token = *std::move(token),
                          .filters = arguments,
                          .start = *start,
                          .resume_file = options.resume_file,
                          .count = options.count,
                          .timeout_ms = options.timeout_ms,
                          .format = options.json ? client::LineFormat::json : client::LineFormat::plain,
                          .latency = options.latency,
                          .retry_ms = options.retry_ms,
                          .progress = to_client(options.progress)});
}

int demo(const Options& options) {
  auto token = client_token(options);
  if (!token) return refuse(token.error());
  return client::run_demo({.url = options.url,
                           .tls = tls_files(options),
                           .token = *std::move(token),
                           .symbols = options.symbols,
                           .rate_hz = static_cast<double>(options.demo_rate_hz),
                           .seed = options.seed,
                           .progress = to_client(options.progress)});
}

int top(const Options& options) {
  auto token = client_token(options);
  if (!token) return refuse(token.error());
  return client::run_top({.url = options.admin_url,
                          .tls = tls_files(options),
                          .token = *std::move(token),
                          .once = options.once,
                          .json = options.json});
}

int healthcheck(const Options& options) {
  return client::run_healthcheck({.url = options.admin_url,
                                  .tls = tls_files(options),
                                  .ready = options.ready,
                                  .timeout_ms = options.answer_timeout_ms});
}

int prestop(const Options& options) {
  auto token = client_token(options);
  if (!token) return refuse(token.error());
  return client::run_prestop({.url = options.admin_url,
                              .tls = tls_files(options),
                              .token = *std::move(token),
                              .timeout_ms = options.answer_timeout_ms});
}

}  // namespace ringcast
