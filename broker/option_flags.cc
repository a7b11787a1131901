// The one file that includes CLI11, which is slow to compile.
#include "broker/option_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>

#include "broker/suggest.h"

namespace ringcast::broker {
namespace {

struct Bound {
  const Option* option;
  const CLI::Option* parsed;
};

// "-" is standard input and "-5" a number; all else behind a dash is meant as a flag.
bool is_flag(std::string_view argument) {
  return argument.size() > 1 && argument[0] == '-' && argument[1] != '.' && (argument[1] < '0' || argument[1] > '9');
}

std::unexpected<std::string> unknown_flag(const CommandInfo& command, const std::string& flag,
                                          std::span<const Bound> known) {
  std::vector<std::string> names{"--help"};
  for (const Bound& bound : known) names.push_back("--" + std::string(bound.option->name));
  const std::string name = flag.substr(0, flag.find('='));
  const std::string nearest = suggestion(name, names);
  return std::unexpected(name + ": ringcast " + std::string(command.name) + " has no such option" +
                         (nearest.empty() ? "; put -- before an argument that begins with -" : nearest));
}

std::expected<void, std::string> check_arguments(const CommandInfo& command, std::span<const std::string> arguments) {
  const std::string usage = "ringcast " + std::string(command.name);
  if (arguments.size() < command.arguments_min) {
    return std::unexpected(usage + " needs " + std::string(command.arguments));
  }
  if (arguments.size() <= command.arguments_max) return {};
  const std::string takes = command.arguments.empty() ? "no arguments" : "only " + std::string(command.arguments);
  return std::unexpected("\"" + arguments[command.arguments_max] + "\": " + usage + " takes " + takes);
}

std::expected<void, std::string> append_settings(const Bound& bound, std::vector<Setting>& settings) {
  const std::string flag = "--" + std::string(bound.option->name);
  const std::vector<std::string> values = bound.parsed->results();
  if (values.size() > 1 && !is_list(*bound.option)) return std::unexpected(flag + " is given twice");
  for (const std::string& value : values) settings.push_back({bound.option, value, flag});
  return {};
}

}  // namespace

std::expected<Flags, std::string> parse_flags(const CommandInfo& command, std::span<const std::string> arguments) {
  CLI::App app;
  app.set_help_flag();  // --help is ours: its text comes from the option table
  app.allow_extras();   // so are plain arguments (CLI11 would take "[1,2]" for two) and unknown flags (it suggests
                        // nothing)
  Flags flags;
  app.add_flag("-h,--help", flags.help);
  std::vector<Bound> bounds;
  for (const Option& option : option_table()) {
    if (!belongs_to(option, command.command)) continue;
    const std::string name = "--" + std::string(option.name);
    CLI::Option* const parsed = is_switch(option) ? app.add_flag(name) : app.add_option(name);
    parsed->type_name(value_hint(option));
    bounds.push_back({&option, parsed->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)});
  }

  // CLI11 takes its arguments last first, and reports by throwing: the one place outside main that catches.
  const auto mark = std::ranges::find(arguments, "--");
  std::vector<std::string> reversed(std::make_reverse_iterator(mark), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return std::unexpected(std::string(error.what()));
  }

  if (flags.help) return flags;
  for (const std::string& extra : app.remaining()) {
    if (is_flag(extra)) return unknown_flag(command, extra, bounds);
    flags.arguments.push_back(extra);
  }
  if (mark != arguments.end()) flags.arguments.insert(flags.arguments.end(), mark + 1, arguments.end());
  const auto checked = check_arguments(command, flags.arguments);
  if (!checked) return std::unexpected(checked.error());
  for (const Bound& bound : bounds) {
    const auto appended = append_settings(bound, flags.settings);
    if (!appended) return std::unexpected(appended.error());
  }
  return flags;
}

}  // namespace ringcast::broker
