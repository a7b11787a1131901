#!/usr/bin/env bash
# test.sh CMAKE BUILD COMPILER RINGCAST: installs the client from BUILD into a fresh prefix, builds the separate project
# against it with COMPILER, whose sanitizers BUILD has, and runs that against the broker RINGCAST.
set -euo pipefail
cmake=$1 build=$2 compiler=$3 ringcast=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
broker=
trap 'if [ -n "$broker" ]; then kill "$broker" 2>/dev/null || true; wait "$broker" || true; fi; rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/prefix" --component client >"$work/log"
headers=$(cd "$work/prefix/include" && find . -type f | LC_ALL=C sort | xargs)
[ "$headers" = './ringcast.h ./ringcast/resume_point.h' ] || { echo "installed headers: $headers"; exit 1; }
archives=$(find "$work/prefix" -name '*.a' | wc -l)
[ "$archives" = 1 ] || { echo "installed $archives archives"; exit 1; }

"$cmake" -S "$here" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_BUILD_TYPE=Debug >"$work/log" 2>&1 ||
  { cat "$work/log"; exit 1; }
"$cmake" --build "$work/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

"$ringcast" serve --listen 127.0.0.1:0 --admin 127.0.0.1:0 --shards 2 2>"$work/broker" &
broker=$!
for _ in $(seq 200); do
  url=$(grep -o 'http://[^ ]*' "$work/broker" | head -1 || true)
  [ -n "$url" ] && break
  sleep 0.05
done
timeout 60 "$work/build/separate" "${url%/}" || { cat "$work/broker"; exit 1; }
