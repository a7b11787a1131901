// The configuration file: TOML whose keys are the option table's names, with `[[history]]` for the rules.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "broker/option.h"

namespace ringcast::broker {

// Splits the file's text into settings, each with "NAME:LINE:COLUMN" of its value; values are not checked yet.
// Fails with every unknown key and every value of a wrong type, one a line, or with the first error of syntax.
[[nodiscard]] std::expected<std::vector<Setting>, std::string> parse_file(const std::string& name,
                                                                          std::string_view text);

}  // namespace ringcast::broker
