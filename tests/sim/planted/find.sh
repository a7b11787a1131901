#!/usr/bin/env bash
# Plants each bug of this folder by itself into a copy of the tree, builds the simulator there, and shows which seed
# finds it and what is left of it when it is shrunk. Not part of CI: each takes a build of the files that it touches.
#
#   tests/sim/planted/find.sh [name…]      SEEDS=2000  most seeds to try for each
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(git -C "$here" rev-parse --show-toplevel)
scratch=${SCRATCH:-$(mktemp -d)}
seeds=${SEEDS:-2000}
patches=("$@")
[ ${#patches[@]} -gt 0 ] || patches=("$here"/*.patch)

mkdir -p "$scratch/tree"
git -C "$tree" archive HEAD | tar -x -C "$scratch/tree"
cd "$scratch/tree"
cmake --preset release -B "$scratch/build" -D RINGCAST_PERF=OFF -D CMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" > /dev/null
missed=0
for patch in "${patches[@]}"; do
  patch=$here/$(basename "$patch" .patch).patch
  began=$SECONDS
  patch --quiet -p1 < "$patch"
  cmake --build "$scratch/build" --target sim_tests -- -j2 > "$scratch/build.log" || { tail -20 "$scratch/build.log"; exit 1; }
  built=$SECONDS
  echo "== $(basename "$patch" .patch): $(head -1 "$patch")"
  if RINGCAST_SEEDS=$seeds "$scratch/build/sim_tests" > "$scratch/run.log" 2>&1; then
    echo "   NOT FOUND in $seeds seeds"
    missed=1
  else
    grep -E -A2 'FATAL ERROR|^shrunk by' "$scratch/run.log" | sed -n '1,3s/^/   /p'
  fi
  echo "   built in $((built - began)) s, found and shrunk in $((SECONDS - built)) s"
  patch --quiet -R -p1 < "$patch"
done
exit $missed
