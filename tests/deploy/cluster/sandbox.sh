#!/usr/bin/env bash
# sandbox.sh ROOT COMMAND…: COMMAND in the file system ROOT, with mounts, network, processes and a host name of its own, and this tree at
# /repository, read-only. Whatever it starts, mounts or configures ends with it.
set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

if [ "$1" != --inside ]; then
  exec unshare --mount --net --pid --uts --ipc --fork --kill-child --propagation private "${BASH_SOURCE[0]}" --inside "$@"
fi
root=$2
shift 2

mount --bind "$root" "$root"
mkdir -p "$root/repository" "$root/outside"
mount --bind "$tree" "$root/repository"
mount -o remount,bind,ro "$root/repository"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
# Where both versions of control groups are, runc is content with one only.
! mountpoint -q "$root/sys/fs/cgroup/unified" || umount "$root/sys/fs/cgroup/unified"
cd "$root"
pivot_root . outside
cd /
umount -l /outside

# A node has an address and a way out, though it leads nowhere: kube-proxy and the kubelet look for both.
hostname node
printf '127.0.0.1 localhost\n192.0.2.10 node\n' >/etc/hosts
echo 'nameserver 127.0.0.1' >/etc/resolv.conf
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ip link set lo up
ip link add uplink type veth peer name nowhere
ip link set nowhere up
ip address add 192.0.2.10/24 dev uplink
ip link set uplink up
ip route add default via 192.0.2.1 dev uplink
exec env -i PATH="$PATH" HOME=/root "$@"
