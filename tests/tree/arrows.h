// Arrows: who may include whom (README, "Folders"), as a function over a file's path and its includes.
//
//     frame, topics, proto, web <- broker <- broker/io <- main        client -> frame, proto        perf -> client
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::tree {

// The includes of a C++ source with their delimiters, in order: `"frame/header.h"`, `<vector>`.
[[nodiscard]] std::vector<std::string> includes_of(std::string_view source);

// What of `includes` the file at `path` (from the root of the tree) may not include, each with the reason.
[[nodiscard]] std::vector<std::string> violations(std::string_view path, std::span<const std::string> includes);

// Why a folder may not have this name, or "".
[[nodiscard]] std::string folder_violation(std::string_view name);

}  // namespace ringcast::tree
