// Completion: scripts that complete ringcast's command line in shells, made from the option and command tables.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace ringcast::broker {

// The script for "bash", "zsh" or "fish"; the error names them. Each can be sourced, or installed where the shell
// looks.
[[nodiscard]] std::expected<std::string, std::string> completion(std::string_view shell);

}  // namespace ringcast::broker
