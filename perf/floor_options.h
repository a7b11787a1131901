// FloorOptions: how the floor is asked to run.
#pragma once

#include <cstdint>
#include <expected>

namespace ringcast::perf {

struct FloorOptions {
  std::uint16_t port = 8090;  // on 127.0.0.1
  int cpu = -1;               // that it runs on; -1: any
  bool deflate = false;       // compress each message for each subscriber
};

// What the command line says; or the code to exit with, after what was wrong (or the help) has been printed.
[[nodiscard]] std::expected<FloorOptions, int> parse_floor_options(int argc, char** argv);

}  // namespace ringcast::perf
