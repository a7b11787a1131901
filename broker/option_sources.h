// OptionSources: what each option of `serve` is set to, and who said so, for operators.
#pragma once

#include <optional>
#include <string>

#include "broker/options.h"

namespace ringcast::broker {

// {"options":[{"name":"shards","value":"4","default":"auto","source":"--shards","reloads":false},…]}, all of serve's.
// `source` is "default", a flag, an environment variable, or a place in the file. Values of options that hold secrets
// are left out; there is none yet.
[[nodiscard]] std::string options_json(const Invocation& invocation, const std::optional<File>& file,
                                       const Options& options);

}  // namespace ringcast::broker
