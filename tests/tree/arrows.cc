#include "tests/tree/arrows.h"

#include <algorithm>
#include <array>

namespace ringcast::tree {
namespace {

struct Layer {
  std::string_view prefix;       // of the paths that belong to it; the first that fits decides
  std::string_view may_include;  // prefixes, separated by spaces; its own is among them
  bool may_call_kernel = false;
};

// Longer prefixes first. web/ is the page's bytes in the binary: constants, like a table.
constexpr std::array kLayers{
    Layer{"broker/main", "broker/main broker/ broker/io/ client/ frame/ perf/ proto/ topics/ web/", true},
    Layer{"broker/io/", "broker/io/ broker/ frame/ proto/ topics/ web/", true},
    Layer{"broker/", "broker/ frame/ proto/ topics/ web/"},
    Layer{"frame/", "frame/"},
    Layer{"topics/", "topics/"},
    Layer{"proto/", "proto/"},
    Layer{"web/", "web/"},
    Layer{"client/", "client/ ringcast/ frame/ proto/", true},
    Layer{"ringcast/", "ringcast/"},  // client/ringcast/, as the headers that are installed call it
    Layer{"perf/", "perf/ client/ frame/ proto/", true},
    Layer{"tests/", "broker/ broker/io/ client/ frame/ perf/ proto/ tests/ topics/ web/", true},
};

// Headers whose functions enter the kernel. Not <arpa/inet.h> and <netinet/in.h>: they only convert and describe.
constexpr std::array<std::string_view, 17> kKernelHeaders{
    "aio.h",   "dirent.h", "fcntl.h", "ifaddrs.h", "liburing.h", "mqueue.h",  "netdb.h",  "poll.h",    "pthread.h",
    "sched.h", "signal.h", "spawn.h", "syscall.h", "termios.h",  "threads.h", "unistd.h", "filesystem"};

constexpr std::array<std::string_view, 10> kFolders{"base",    "common", "helpers",     "include", "misc",
                                                    "scripts", "src",    "third_party", "util",    "utils"};

const Layer* layer_of(std::string_view path) {
  const auto* found = std::ranges::find_if(kLayers, [&](const Layer& layer) { return path.starts_with(layer.prefix); });
  return found == kLayers.end() ? nullptr : found;
}

bool is_kernel_header(std::string_view name) {
  return name.starts_with("sys/") || name.starts_with("linux/") || name.starts_with("liburing/") ||
         std::ranges::find(kKernelHeaders, name) != kKernelHeaders.end();
}

bool allows(const Layer& from, const Layer& to) {
  const std::string allowed = " " + std::string(from.may_include) + " ";
  return allowed.contains(" " + std::string(to.prefix) + " ");
}

std::string violation(std::string_view path, const Layer& layer, std::string_view include) {
  const std::string line = std::string(path) + " includes " + std::string(include) + ": ";
  const std::string_view name = include.substr(1, include.size() - 2);
  if (include.front() == '<') {
    return is_kernel_header(name) && !layer.may_call_kernel ? line + "only broker/io, client and main call the kernel"
                                                            : "";
  }
  const Layer* const target = layer_of(name);
  if (target == nullptr) return line + "our own headers are included by their path from the root";
  return allows(layer, *target) ? "" : line + "against the arrows";
}

}  // namespace

std::vector<std::string> includes_of(std::string_view source) {
  std::vector<std::string> includes;
  while (!source.empty()) {
    const std::size_t end = std::min(source.find('\n'), source.size());
    std::string_view line = source.substr(0, end);
    source.remove_prefix(std::min(end + 1, source.size()));
    const auto skip = [&](std::string_view word) {
      line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
      if (!line.starts_with(word)) return false;
      line.remove_prefix(word.size());
      return true;
    };
    if (!skip("#") || !skip("include") || !skip("") || line.empty()) continue;
    const char close = line.front() == '<' ? '>' : '"';
    const std::size_t last = line.find(close, 1);
    if (last != std::string_view::npos) includes.emplace_back(line.substr(0, last + 1));
  }
  return includes;
}

std::vector<std::string> violations(std::string_view path, std::span<const std::string> includes) {
  const Layer* const layer = layer_of(path);
  if (layer == nullptr) return {std::string(path) + " is in a folder without a place among the arrows"};
  std::vector<std::string> found;
  for (const std::string& include : includes) {
    std::string line = violation(path, *layer, include);
    if (!line.empty()) found.push_back(std::move(line));
  }
  return found;
}

std::string folder_violation(std::string_view name) {
  if (std::ranges::find(kFolders, name) == kFolders.end()) return "";
  return "a folder named " + std::string(name) + ": a helper lives beside its first user";
}

}  // namespace ringcast::tree
