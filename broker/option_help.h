// What the option and command tables say to people: `ringcast help`, `--help`, check-config and the README's table.
#pragma once

#include <string>

#include "broker/option.h"

namespace ringcast::broker {

// `ringcast help`: the commands, one a line.
[[nodiscard]] std::string overview();

// `ringcast help COMMAND`: usage, options under their headings with defaults and environment names, examples.
[[nodiscard]] std::string command_help(const CommandInfo& command);

// The option table in Markdown, as it stands in README.md between the markers `options: begin` and `options: end`.
[[nodiscard]] std::string options_markdown();

// "name = value (default: value)", one a line, for the options that differ from their defaults.
[[nodiscard]] std::string changes(const Options& options);

}  // namespace ringcast::broker
