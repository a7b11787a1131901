// perf/load, the program.
#include "perf/load.h"

int main(int argc, char** argv) {
  return ringcast::perf::run_load(argc, argv);
}
