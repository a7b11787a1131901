// ringcast: one binary, one command a run. With main_console and main_clients the only file that reads the environment
// and files of configuration, prints what went wrong, and exits.
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broker/completion.h"
#include "broker/http_session.h"
#include "broker/io/notify.h"
#include "broker/io/process.h"
#include "broker/io/server.h"
#include "broker/log.h"
#include "broker/main_clients.h"
#include "broker/main_console.h"
#include "broker/man_page.h"
#include "broker/option_help.h"
#include "broker/option_sources.h"
#include "broker/options.h"
#include "broker/reload.h"
#include "perf/load.h"
#include "web/assets.h"

extern char** environ;

namespace ringcast {
namespace {

using broker::Command;
using broker::Invocation;
using broker::Options;

std::vector<std::string> environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

int check_config(const Invocation& invocation) {
  auto file = read_file(invocation.arguments.front());
  if (!file) return refuse(file.error());
  // The file alone, without this shell's environment: it will be used somewhere else.
  const auto options = broker::resolve(Invocation{}, *file);
  if (!options) return refuse(options.error());
  return print(file->name + ": right\n" + broker::changes(*options));
}

int help(const Invocation& invocation) {
  if (invocation.arguments.empty()) return print(broker::overview());
  const auto about = broker::find_command(invocation.arguments.front());
  if (!about) return refuse(about.error());
  return print(broker::command_help(**about));
}

int completion(const std::string& shell) {
  const auto script = broker::completion(shell);
  return script ? print(*script) : refuse("completion: " + script.error());
}

// The page's files as the broker serves them: web/ and broker/ do not know each other's types.
const broker::StaticFile* find_file(std::string_view path) {
  static const std::vector<broker::StaticFile> files = [] {
    std::vector<broker::StaticFile> all;
    for (const web::Asset& asset : web::assets()) {
      all.push_back({asset.content_type, asset.bytes, asset.etag, {}});
      for (const web::Variant& variant : asset.variants)
        all.back().variants.push_back({variant.coding, variant.bytes, variant.etag});
    }
    return all;
  }();
  const web::Asset* const asset = web::find(path);
  return asset == nullptr ? nullptr : &files[static_cast<std::size_t>(asset - web::assets().data())];
}

// What the broker runs with, and how it is read again. Thread: main's, but for json().
class Configuration {
 public:
  Configuration(const Invocation& invocation, const std::optional<broker::File>& file, Options options)
      : invocation_(invocation), options_(std::move(options)) {
    publish(file);
  }

  [[nodiscard]] const Options& options() const noexcept { return options_; }
  // What operators are told of it. Any thread.
  [[nodiscard]] std::string json() const {
    const std::lock_guard lock(mutex_);
    return json_;
  }
  [[nodiscard]] broker::ReloadReport reload(std::span<const broker::ReloadablePart> parts) {
    std::optional<broker::File> file;
    if (const auto name = broker::config_file(invocation_)) {
      auto read = read_file_again(*name);
      if (!read) return broker::reload(std::unexpected(read.error()), parts, options_);
      file = *std::move(read);
    }
    broker::ReloadReport report = broker::reload(broker::resolve(invocation_, file), parts, options_);
    if (report.applied()) publish(file);
    return report;
  }

 private:
  void publish(const std::optional<broker::File>& file) {
    std::string json = broker::options_json(invocation_, file, options_);
    const std::lock_guard lock(mutex_);
    json_ = std::move(json);
  }

  const Invocation& invocation_;
  Options options_;
  mutable std::mutex mutex_;
  std::string json_;
};

void log_report(broker::Log& log, const broker::ReloadReport& report) {
  if (!report.applied()) {
    const auto lines = broker::lines_of(report.errors);
    log.warning("configuration not reloaded, nothing was changed: " + lines.front(), {{"mistakes", lines.size()}});
    return;
  }
  log.info("configuration reloaded",
           {{"changed", report.changed.size()}, {"needs_restart", report.needs_restart.size()}});
  for (const auto& change : report.changed) log.info("changed " + broker::change_text(change));
  for (const auto& change : report.needs_restart) log.warning("needs a restart: " + broker::change_text(change));
  for (const std::string& note : report.notes) log.info(note);
}

// The level of the configuration, when that changes; one that an operator has set stays until then.
broker::ReloadablePart log_part(broker::Log& log, const Options& running) {
  const auto check = [](const broker::Config&) -> std::expected<std::vector<std::string>, std::string> { return {}; };
  const auto apply = [&](const broker::Config& next) -> std::vector<std::string> {
    if (next.log_level != running.log_level) log.set_level(next.log_level);
    return {};
  };
  return {.name = "log", .check = check, .apply = apply};
}

int serve(const Invocation& invocation, const std::optional<broker::File>& file, const Options& given) {
  io::block_signals();  // before the log makes the first thread: all inherit it
  Configuration configuration(invocation, file, given);
  const Options& options = configuration.options();
  broker::Log log(options.log_level, options.log_format);
  const char* const manager = std::getenv("NOTIFY_SOCKET");
  const auto tell = [&](const std::string& state) {
    const auto told = io::notify(manager == nullptr ? "" : manager, state);
    if (!told) log.warning("the service manager is not told: " + told.error().text);
  };
  const auto served =
      io::serve(options, find_file,
                {.info = [&](const std::string& line) { log.info(line); },
                 .warn = [&](const std::string& line) { log.warning(line); },
                 .log = [&](broker::LogLevel level, std::string_view text,
                            std::span<const broker::LogField> fields) { log.write(level, text, fields); },
                 .manager = tell,
                 .log_level = [&] { return log.level(); },
                 .set_log_level =
                     [&](broker::LogLevel level) {
                       log.set_level(level);
                       log.write(level, "the log's level was changed by an operator");
                     },
                 .config_json = [&] { return configuration.json(); },
                 .reload =
                     [&](std::span<const broker::ReloadablePart> parts) {
                       std::vector<broker::ReloadablePart> all(parts.begin(), parts.end());
                       all.push_back(log_part(log, options));
                       broker::ReloadReport report = configuration.reload(all);
                       log_report(log, report);
                       return report;
                     }});
  if (served) return kDone;
  log.error(served.error());
  return kFailed;
}

int run(const Invocation& invocation, const std::optional<broker::File>& file, const Options& options) {
  switch (invocation.command->command) {
    case Command::serve:
      return serve(invocation, file, options);
    case Command::pub:
      return pub(options, invocation.arguments);
    case Command::sub:
      return sub(options, invocation.arguments);
    case Command::demo:
      return demo(options);
    case Command::top:
      return top(options);
    case Command::healthcheck:
      return healthcheck(options);
    case Command::prestop:
      return prestop(options);
    case Command::token:
      return token(options, invocation.arguments);
    case Command::bench:
      break;  // main() took it before: its options are not ours
    case Command::check_config:
      return check_config(invocation);
    case Command::version:
      return print("ringcast " RINGCAST_VERSION "\n");
    case Command::help:
      return help(invocation);
    case Command::options:
      return print(broker::options_markdown());
    case Command::completion:
      return completion(invocation.arguments.front());
    case Command::man:
      return print(broker::man_page());
  }
  std::unreachable();
}

// The load generator reads its own command line.
int bench(const std::vector<std::string>& arguments) {
  std::vector<const char*> words{"ringcast bench"};
  for (std::size_t i = 1; i < arguments.size(); ++i) words.push_back(arguments[i].c_str());
  words.push_back(nullptr);
  return perf::run_load(static_cast<int>(words.size()) - 1, words.data());
}

int main(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    std::fputs(broker::overview().c_str(), stderr);
    return kUsage;
  }
  if (arguments.front() == broker::command_info(Command::bench).name) return bench(arguments);
  const auto invocation = broker::parse_invocation(arguments, environment());
  if (!invocation) return refuse(invocation.error());
  if (invocation->help) {
    return print(broker::command_help(*invocation->command));
  }
  std::optional<broker::File> file;
  if (const auto name = broker::config_file(*invocation)) {
    auto read = read_file(*name);
    if (!read) return refuse(read.error());
    file = *std::move(read);
  }
  const auto options = broker::resolve(*invocation, file);
  if (!options) return refuse(options.error());
  return run(*invocation, file, *options);
}

}  // namespace
}  // namespace ringcast

int main(int count, char** words) {
  return ringcast::main(std::vector<std::string>(words + 1, words + count));
}
