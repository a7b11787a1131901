#include "perf/floor_options.h"

#include <CLI/CLI.hpp>

namespace ringcast::perf {

std::expected<FloorOptions, int> parse_floor_options(int argc, char** argv) {
  FloorOptions options;
  CLI::App app("The least that a broadcast server can do on io_uring, on 127.0.0.1.");
  app.add_option("--port", options.port, "Port to listen on");
  app.add_option("--cpu", options.cpu, "CPU to run on");
  app.add_flag("--deflate", options.deflate, "Compress each message for each subscriber");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return std::unexpected(app.exit(error));
  }
  return options;
}

}  // namespace ringcast::perf
