// What every command of main.cc needs: standard output, standard error, files.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include "broker/options.h"

namespace ringcast {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;  // the same command can never work: bad options, bad configuration

inline constexpr std::size_t kFileBytesMax = 1024 * 1024;  // a configuration is some hundred lines; /dev/zero is none

// To stdout. The exit code: a full disk or a closed pipe behind it is a failure, not silence.
[[nodiscard]] int print(const std::string& text);

// To stderr: each line of `error` with the program's name before it, as compilers do. The exit code.
[[nodiscard]] int refuse(const std::string& error);

// A file of at most kFileBytesMax. The error names it.
[[nodiscard]] std::expected<broker::File, std::string> read_file(const std::string& name);

// The same while the broker runs: a pipe has nothing more to say, and would wait for ever or stand for an empty file.
[[nodiscard]] std::expected<broker::File, std::string> read_file_again(const std::string& name);

}  // namespace ringcast
