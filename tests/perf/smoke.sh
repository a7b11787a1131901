#!/usr/bin/env bash
# The load generator and the floor work together: a small run delivers all, once, in order. smoke.sh LOAD FLOOR
set -euo pipefail
port=$((20000 + $$ % 10000))
"$2" --port "$port" &
floor=$!
trap 'kill $floor 2>/dev/null; wait $floor 2>/dev/null || true' EXIT
common=(--port "$port" --pid "$floor" --subscribers 20 --warmup 0.1)
open=$("$1" "${common[@]}" --publishers 3 --rate 2000 --seconds 0.3 --size 5000 --text --idle 3)
closed=$("$1" "${common[@]}" --closed 8 --seconds 0.3)
for json in "$open" "$closed"; do
  grep -q '"lost":0,"doubled":0,"out_of_order":0,"misrouted":0,"disagreements":0,"unanswered":0,"ended":0,' <<< "$json"
  grep -q '"server_cpu_ns_per_delivery":[1-9]' <<< "$json"
  grep -qv '"delivered":0,' <<< "$json"
done
# What it must find out: subscribers that are cut off, and messages that never come.
if "$1" "${common[@]}" --topics 2 --publishers 2 --rate 100 --seconds 0.2 > /dev/null 2>&1; then
  echo "the floor has no topics, yet the load found nothing wrong with two of them" >&2
  exit 1
fi
