#!/usr/bin/env bash
# The load generator works with the floor, and with the broker in each protocol: a small run delivers all, once, in order.
# smoke.sh LOAD FLOOR BROKER
set -euo pipefail
port=$((20000 + $$ % 10000))
"$2" --port "$port" &
floor=$!
broker_port=$((port + 1))
"$3" serve --shards 2 --listen "127.0.0.1:$broker_port" --admin 127.0.0.1:0 --log-level warning &
broker=$!
trap 'kill $floor $broker 2>/dev/null; wait 2>/dev/null || true' EXIT
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
# The broker has topics and all protocols; what its messages say is compared with its own reader.
for protocols in raw/raw json/json proto/proto json/raw proto/json json/proto; do
  json=$("$1" --port "$broker_port" --pid "$broker" --subscribers 20 --warmup 0.1 --seconds 0.2 --topics 2 --publishers 2 --closed 32 \
    --protocol "${protocols%/*}" --publish "${protocols#*/}")
  grep -q '"lost":0,"doubled":0,"out_of_order":0,"misrouted":0,"disagreements":0,"unanswered":0,"ended":0,' <<< "$json"
  grep -qv '"delivered":0,' <<< "$json"
  [ "${protocols%/*}" = raw ] || grep -q '"compared":[1-9]' <<< "$json"
done
