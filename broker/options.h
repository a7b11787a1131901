// Options: what the user asked for, put together from flags, environment, file and defaults, in that precedence.
//
// Pure: main.cc hands in the arguments, the environment and the file's text, prints what comes back, and exits.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/option.h"

namespace ringcast::broker {

// The command line, split but not yet checked value by value.
struct Invocation {
  const CommandInfo* command = nullptr;
  bool help = false;  // --help was among the arguments
  std::vector<Setting> flags;
  std::vector<Setting> environment;
  std::vector<std::string> arguments;  // what is not an option, as in `check-config FILE`
};

struct File {
  std::string name;
  std::string text;
};

// The command of that name; --help and --version are two. The error names the nearest one.
[[nodiscard]] std::expected<const CommandInfo*, std::string> find_command(std::string_view name);

// Splits `ringcast ARGUMENTS…` (without the program's name). `environment` holds NAME=value entries, of which those
// that begin with RINGCAST_ are ours: unknown ones are refused, but for those that Kubernetes makes of services.
// An empty value counts as not set.
[[nodiscard]] std::expected<Invocation, std::string> parse_invocation(std::span<const std::string> arguments,
                                                                      std::span<const std::string> environment);

// The configuration file that flags or environment name.
[[nodiscard]] std::optional<std::string> config_file(const Invocation& invocation);

// Defaults, then file, environment and flags over them, then check_config(). Fails with every bad value, one a line.
[[nodiscard]] std::expected<Options, std::string> resolve(const Invocation& invocation,
                                                          const std::optional<File>& file);

}  // namespace ringcast::broker
