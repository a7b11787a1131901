// The configuration file: TOML whose keys are the option table's names, with `[[history]]` for the rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/option.h"

namespace ringcast::broker {

struct FileSettings {
  std::vector<Setting> settings;  // each with "NAME:LINE:COLUMN" of its value; values are not checked yet
  std::string errors;             // unknown keys and values of a wrong type, one a line; or the first error of syntax
};

// Splits the file's text into settings. What is wrong with one key does not hide what is wrong with another.
[[nodiscard]] FileSettings parse_file(const std::string& name, std::string_view text);

}  // namespace ringcast::broker
