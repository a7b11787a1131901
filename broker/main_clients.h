// The commands of main.cc that are clients', and `ringcast token`: what was asked for, said in their own structs. The
// broker and the client do not know each other. Each gives back the exit code.
#pragma once

#include <string>
#include <vector>

#include "broker/option.h"

namespace ringcast {

[[nodiscard]] int pub(const broker::Options& options, const std::vector<std::string>& arguments);
[[nodiscard]] int sub(const broker::Options& options, const std::vector<std::string>& arguments);
[[nodiscard]] int demo(const broker::Options& options);
[[nodiscard]] int top(const broker::Options& options);
[[nodiscard]] int healthcheck(const broker::Options& options);
[[nodiscard]] int prestop(const broker::Options& options);
[[nodiscard]] int token(const broker::Options& options, const std::vector<std::string>& arguments);

}  // namespace ringcast
