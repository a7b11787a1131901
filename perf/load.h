// Load: the load generator as a function: the program perf/load, and `ringcast bench`.
#pragma once

namespace ringcast::perf {

// Runs it with these words, the program's name first; gives back the exit code (perf/load.cc).
[[nodiscard]] int run_load(int argc, const char* const* argv);

}  // namespace ringcast::perf
