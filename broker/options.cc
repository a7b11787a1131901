#include "broker/options.h"

#include <algorithm>

#include "broker/option_file.h"
#include "broker/option_flags.h"
#include "broker/suggest.h"

namespace ringcast::broker {
namespace {

constexpr std::string_view kPrefix = "RINGCAST_";

// Kubernetes describes each service of the namespace to every pod: a service "ringcast" or "ringcast-admin" sets
// RINGCAST_SERVICE_HOST, RINGCAST_PORT_8080_TCP_ADDR, RINGCAST_ADMIN_PORT and more of that kind, which are not for us.
bool is_service_link(std::string_view name) {
  const std::string_view rest = name.substr(kPrefix.size() - 1);  // "_PORT_8080_TCP", "_ADMIN_SERVICE_HOST"
  if (rest.starts_with("_PORT") || rest.starts_with("_SERVICE_")) return true;
  return rest.ends_with("_PORT") || rest.contains("_PORT_") || rest.ends_with("_SERVICE_HOST");
}

const Option* find_option(std::string_view environment, Command command) {
  for (const Option& option : option_table()) {
    if (belongs_to(option, command) && environment_name(option) == environment) return &option;
  }
  return nullptr;
}

// A list's values stand in one variable, with commas between.
void append_list(const Option& option, std::string_view value, const std::string& name,
                 std::vector<Setting>& settings) {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    settings.push_back({&option, std::string(value.substr(0, comma)), name});
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
}

std::expected<std::vector<Setting>, std::string> parse_environment(std::span<const std::string> environment,
                                                                   Command command) {
  std::vector<Setting> settings;
  std::vector<std::string> names;
  const bool has_options =
      std::ranges::any_of(option_table(), [&](const Option& option) { return belongs_to(option, command); });
  if (!has_options) return settings;  // `ringcast help` helps whatever the environment says
  for (const Option& option : option_table()) names.push_back(environment_name(option));
  for (const std::string& entry : environment) {
    const std::size_t equals = std::min(entry.find('='), entry.size());
    const std::string name = entry.substr(0, equals);
    if (!name.starts_with(kPrefix)) continue;
    if (std::ranges::find(names, name) == names.end()) {
      if (is_service_link(name)) continue;
      return std::unexpected(name + " in the environment is no option of ringcast" + suggestion(name, names));
    }
    const Option* const option = find_option(name, command);
    const std::string value = entry.substr(std::min(equals + 1, entry.size()));
    if (value.empty() || option == nullptr) continue;
    if (is_list(*option)) {
      append_list(*option, value, name, settings);
    } else {
      settings.push_back({option, value, name});
    }
  }
  return settings;
}

// Applies one source over what those of lower precedence have set; returns its errors, one a line.
std::string apply_settings(std::span<const Setting> settings, Options& options) {
  std::string errors;
  std::vector<const Option*> seen;
  for (const Setting& setting : settings) {
    if (std::ranges::find(seen, setting.option) == seen.end()) {
      clear_list(*setting.option, options);
      seen.push_back(setting.option);
    }
    const auto set = set_value(*setting.option, setting.value, options);
    if (set) continue;
    const std::string name =
        setting.where.ends_with(setting.option->name) ? "" : std::string(setting.option->name) + " ";
    errors += (errors.empty() ? "" : "\n") + setting.where + ": " + name + "\"" + setting.value + "\" " + set.error();
  }
  return errors;
}

}  // namespace

std::expected<const CommandInfo*, std::string> find_command(std::string_view name) {
  if (name == "--help" || name == "-h") name = "help";
  if (name == "--version" || name == "-V") name = "version";
  std::vector<std::string> names;
  for (const CommandInfo& info : command_table()) {
    if (info.name == name) return &info;
    if (!info.hidden) names.emplace_back(info.name);
  }
  return std::unexpected("\"" + std::string(name) + "\" is not a command" + suggestion(name, names) +
                         " (ringcast help lists them)");
}

std::expected<Invocation, std::string> parse_invocation(std::span<const std::string> arguments,
                                                        std::span<const std::string> environment) {
  Invocation invocation;
  if (arguments.empty()) return std::unexpected("which command? (ringcast help lists them)");
  const auto command = find_command(arguments.front());
  if (!command) return std::unexpected(command.error());
  invocation.command = *command;
  auto flags = parse_flags(*invocation.command, arguments.subspan(1));
  if (!flags) return std::unexpected(flags.error());
  invocation.help = flags->help;
  invocation.flags = std::move(flags->settings);
  invocation.arguments = std::move(flags->arguments);
  if (invocation.help) return invocation;
  auto variables = parse_environment(environment, invocation.command->command);
  if (!variables) return std::unexpected(variables.error());
  invocation.environment = *std::move(variables);
  return invocation;
}

std::optional<std::string> config_file(const Invocation& invocation) {
  for (const auto* settings : {&invocation.flags, &invocation.environment}) {
    for (const Setting& setting : *settings) {
      if (setting.option->name == "config") return setting.value;
    }
  }
  return std::nullopt;
}

std::expected<Options, std::string> resolve(const Invocation& invocation, const std::optional<File>& file) {
  Options options;
  std::string errors;
  const auto add = [&](const std::string& more) {
    if (!more.empty()) errors += (errors.empty() ? "" : "\n") + more;
  };
  if (file) {
    const FileSettings parsed = parse_file(file->name, file->text);
    add(parsed.errors);
    add(apply_settings(parsed.settings, options));
  }
  add(apply_settings(invocation.environment, options));
  add(apply_settings(invocation.flags, options));
  if (!errors.empty()) return std::unexpected(errors);
  const auto checked = check_config(options);
  if (!checked) return std::unexpected(checked.error());
  return options;
}

}  // namespace ringcast::broker
