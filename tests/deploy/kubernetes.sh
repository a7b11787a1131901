#!/usr/bin/env bash
# kubernetes.sh [CACHE]: deploy/k8s on a real Kubernetes of one node, in namespaces of this machine that end with it; the image is the one
# that deploy/build_image.sh built. CACHE (build/k8s) keeps the cluster's programs: make.sh. `./dev k8s` runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/deploy/image_under_test.sh
cache=${1:-build/k8s}

# Control groups outlive the namespaces; empty ones can be removed.
remove_groups() { find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} + 2>/dev/null || true; }
groups_left() { [ -n "$(find /sys/fs/cgroup -maxdepth 3 -type d -name 'kubepods*' -print -quit)" ]; }

# What the sandbox does first, and what kube-proxy and the bridge need.
# shellcheck disable=SC2016
can_isolate() {
  unshare --mount --net --pid --uts --ipc --fork --kill-child --propagation private bash -euc '
    mount -t tmpfs tmpfs /run
    ip link add uplink type veth peer name nowhere
    ip link add cni0 type bridge
    iptables -t nat -A POSTROUTING -m comment --comment test -j MASQUERADE'
}

# Why no cluster can run here; nothing if one can.
obstacle() {
  local found said
  found=$(engine_obstacle)
  if [ -n "$found" ]; then echo "$found"; return; fi
  [ "$(uname -m)" = x86_64 ] || { echo "this machine is $(uname -m), and the cluster's programs are tried on x86-64 only"; return; }
  [ -n "$(debian_mirror)" ] || { echo "apt knows no mirror of Debian 12"; return; }
  said=$(can_isolate 2>&1) || { echo "no namespaces for it: $(tail -1 <<<"$said")"; return; }
  remove_groups
  ! groups_left || echo "a kubelet runs here already: there are control groups named kubepods"
}

# The images as a node gets them, from a file: the broker's, one that is killed where it should drain, and the process that holds a pod's
# namespaces.
save_images() {
  local folder=$cache/system/var/lib/cluster/images abrupt=localhost/ringcast:abrupt pause=localhost/pause:1 container
  rm -rf "$folder"
  mkdir -p "$folder"
  container=$(buildah from --pull-never "$image_name")
  buildah config --stop-signal SIGKILL "$container"
  buildah commit --quiet --rm --format docker "$container" $abrupt >/dev/null
  tar -c -C "$cache/system/bin" busybox |
    podman import --quiet --change 'ENTRYPOINT ["/busybox", "sleep", "infinity"]' - $pause >/dev/null
  podman save --quiet --multi-image-archive --format docker-archive --output "$folder/images.tar" "$image_name" $abrupt $pause
}

engine_configuration
why=$(obstacle)
image_unless "$why"
tests/deploy/cluster/make.sh "$cache"
save_images
result=0
tests/deploy/cluster/sandbox.sh "$cache/system" /repository/tests/deploy/cluster/cases.sh || result=$?
remove_groups
exit $result
