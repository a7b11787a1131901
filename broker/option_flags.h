// Flags: the arguments behind `ringcast COMMAND` split into settings of the option table and plain arguments.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "broker/option.h"

namespace ringcast::broker {

struct Flags {
  std::vector<Setting> settings;  // in the table's order; values are not checked yet
  std::vector<std::string> arguments;
  bool help = false;
};

// Splits `arguments` for one command: --name value, --name=value, --switch, and -- before what only looks like a flag.
// Refuses flags that the command does not have, a flag given twice that is no list, and too many arguments.
[[nodiscard]] std::expected<Flags, std::string> parse_flags(const CommandInfo& command,
                                                            std::span<const std::string> arguments);

}  // namespace ringcast::broker
