// ringcast: the one binary. Reads what was asked for, runs that command, and gives back its exit code.
//
// The only place that exits, and that knows all folders: broker and client do not know each other.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <expected>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <unistd.h>

#include "broker/io/process.h"
#include "broker/io/server.h"
#include "broker/log.h"
#include "broker/option_help.h"
#include "broker/options.h"
#include "client/commands.h"
#include "web/assets.h"

namespace {

namespace broker = ringcast::broker;
namespace client = ringcast::client;

constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;

int print(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0 ? kOk : kFailed;
}

int complain(int exit_code, const std::string& text) {
  (void)std::fprintf(stderr, "ringcast: %s\n", text.c_str());
  return exit_code;
}

std::expected<broker::File, std::string> read_file(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  if (!in) return std::unexpected("cannot read " + name + ": " + std::strerror(errno));
  return broker::File{.name = name, .text = {std::istreambuf_iterator<char>(in), {}}};
}

client::Progress progress_of(broker::Progress progress) {
  switch (progress) {
    case broker::Progress::automatic:
      return client::Progress::automatic;
    case broker::Progress::always:
      return client::Progress::always;
    case broker::Progress::never:
      return client::Progress::never;
  }
  return client::Progress::automatic;
}

// The page's files, in the form in which the broker serves them.
const broker::StaticFile* find_file(std::string_view path) {
  static const std::vector<std::pair<std::string_view, broker::StaticFile>> files = [] {
    std::vector<std::pair<std::string_view, broker::StaticFile>> list;
    for (const auto& asset : ringcast::web::assets()) {
      list.push_back({asset.path, {.content_type = asset.content_type, .bytes = asset.bytes, .etag = asset.etag}});
    }
    return list;
  }();
  for (const auto& [name, file] : files) {
    if (name == path) return &file;
  }
  return nullptr;
}

int run_serve(const broker::Options& options) {
  ringcast::io::block_signals();
  broker::Log log(options.log_level, options.log_format);
  const auto served = ringcast::io::serve(options, &find_file,
                                          {.info = [&](const std::string& line) { log.info(line); },
                                           .warn = [&](const std::string& line) { log.warning(line); }});
  return served ? kOk : complain(kFailed, served.error());
}

int run_pub(const broker::Options& options, const std::vector<std::string>& arguments) {
  client::PubOptions pub{.url = options.url,
                         .topic = arguments[0],
                         .rate_hz = static_cast<double>(options.pub_rate_hz),
                         .count = options.count};
  if (arguments.size() > 1) pub.payload = arguments[1];
  pub.kind = options.binary ? client::PayloadKind::binary : client::PayloadKind::text;
  pub.progress = progress_of(options.progress);
  return client::run_pub(pub);
}

int run_sub(const broker::Options& options, const std::vector<std::string>& arguments) {
  return client::run_sub({.url = options.url,
                          .filters = arguments,
                          .start = options.last ? client::StartWith::last : client::StartWith::live,
                          .count = options.count,
                          .format = options.json ? client::LineFormat::json : client::LineFormat::plain,
                          .progress = progress_of(options.progress)});
}

int run_demo(const broker::Options& options) {
  return client::run_demo({.url = options.url,
                           .symbols = options.symbols,
                           .rate_hz = static_cast<double>(options.demo_rate_hz),
                           .seed = options.seed,
                           .progress = progress_of(options.progress)});
}

int check_config(const broker::Options& options) {
  const std::string changes = broker::changes(options);
  return print(changes.empty() ? "the configuration is good: all defaults\n"
                               : "the configuration is good:\n" + changes);
}

int run_help(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return print(broker::overview());
  const auto command = broker::find_command(arguments.front());
  return command ? print(broker::command_help(**command)) : complain(kUsage, command.error());
}

int run(const broker::CommandInfo& command, const broker::Options& options, const std::vector<std::string>& arguments) {
  switch (command.command) {
    case broker::Command::serve:
      return run_serve(options);
    case broker::Command::pub:
      return run_pub(options, arguments);
    case broker::Command::sub:
      return run_sub(options, arguments);
    case broker::Command::demo:
      return run_demo(options);
    case broker::Command::check_config:
      return check_config(options);
    case broker::Command::version:
      return print("ringcast " RINGCAST_VERSION "\n");
    case broker::Command::help:
      return run_help(arguments);
    case broker::Command::options:
      return print(broker::options_markdown());
  }
  return kUsage;
}

int run(std::span<const std::string> arguments, std::span<const std::string> environment) {
  if (arguments.empty()) {
    (void)print(broker::overview());
    return kUsage;
  }
  const auto invocation = broker::parse_invocation(arguments, environment);
  if (!invocation) return complain(kUsage, invocation.error());
  if (invocation->help) return print(broker::command_help(*invocation->command));
  std::optional<broker::File> file;
  auto name = broker::config_file(*invocation);
  if (invocation->command->command == broker::Command::check_config) name = invocation->arguments.at(0);
  if (name) {
    auto text = read_file(*name);
    if (!text) return complain(kFailed, text.error());
    file = std::move(*text);
  }
  const auto options = broker::resolve(*invocation, file);
  if (!options) return complain(kUsage, options.error());
  return run(*invocation->command, *options, invocation->arguments);
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return run(arguments, environment);
}
