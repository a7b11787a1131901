#!/usr/bin/env bash
# make.sh CACHE: makes CACHE/system, which a Kubernetes of one node runs in: Debian 12 with etcd, containerd and kubectl from its packages,
# and Kubernetes 1.20 built from its source package (Debian has no other binaries). Some 10 minutes on two processors and 2 GB,
# once. What is done is not done again; nothing of this machine is changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
source deploy/engine.sh
mkdir -p "$1"
cache=$(cd "$1" && pwd)
system=$cache/system
sources=/usr/src/kubernetes
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)

# To run it, and to build it.
packages=(ca-certificates busybox-static conntrack containerd containernetworking-plugins curl etcd-server iproute2 iptables
  kubernetes-client openssl procps runc dpkg-dev golang-go jq make rsync)

say() { echo "cluster: $*"; }

# Debian, with Kubernetes' source package in it, by apt's settings of this machine.
make_system() {
  local mirror
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || { say "apt knows no mirror of bookworm"; return 1; }
  say "Debian 12 with ${#packages[@]} packages, into $system"
  rm -rf "$system" "$cache/kubernetes.made"
  # shellcheck disable=SC2016  # for mmdebstrap's shell
  mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io --include="$(IFS=,; echo "${packages[*]}")" \
    --customize-hook="mkdir \"\$1$sources\" && cd \"\$1$sources\" &&"'
      APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get source --quiet --quiet --download-only kubernetes' \
    bookworm "$system" "deb $mirror bookworm main" "deb-src $mirror bookworm main" >"$cache/system.log" 2>&1 ||
    { tail -5 "$cache/system.log"; return 1; }
}

# In that system, with mounts of its own. Go wants no network: the package has all that it needs in it.
# shellcheck disable=SC2016  # for the shells within
in_system() {
  unshare --mount --propagation private bash -euc '
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root bash -euc "$2" -- "${@:3}"' -- "$system" "$@"
}

# Without what is for cloud providers and Docker.
# shellcheck disable=SC2016
build_kubernetes() {
  say "Kubernetes from its source package: ${programs[*]}; $cache/build.log"
  in_system '
    cd "$1"
    shift
    [ -d tree ] || dpkg-source --no-check -x kubernetes_*.dsc tree
    cd tree
    mkdir -p .go/src/k8s.io
    ln -sfn ../../.. .go/src/k8s.io/kubernetes
    export GOPATH=$PWD/.go GOCACHE=$PWD/.cache GO111MODULE=off CGO_ENABLED=0
    make WHAT="${*/#/cmd/}" GOFLAGS="-tags=providerless,dockerless"
    for program; do install -s _output/bin/$program /usr/local/bin; done
  ' "$sources" "${programs[@]}" >"$cache/build.log" 2>&1 || { tail -20 "$cache/build.log"; return 1; }
  rm -rf "${system:?}$sources"
}

if ! [ -f "$cache/system.made" ]; then
  make_system
  touch "$cache/system.made"
fi
if ! [ -f "$cache/kubernetes.made" ]; then
  build_kubernetes
  touch "$cache/kubernetes.made"
fi
