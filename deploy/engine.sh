# Sourced from the root of the tree by what builds and tests the image: podman and buildah with a store and settings of their
# own in build/image, so that nothing of this machine's is seen or changed.
# shellcheck shell=bash disable=SC2034  # who sources it uses the names

image_folder=$PWD/build/image
image_base=docker.io/library/debian:bookworm-slim
image_name=localhost/ringcast:0.1.0
export CONTAINERS_STORAGE_CONF=$image_folder/storage.conf CONTAINERS_CONF=$image_folder/containers.conf

# What a container may have at most: no more than this process has, which podman would otherwise ask for and not get.
hard_limit() {
  local limit
  limit=$(ulimit -H "$1")
  if [ "$limit" = unlimited ] || [ "$limit" -gt "$2" ]; then limit=$2; fi
  echo "$limit"
}

engine_configuration() {
  local files processes
  files=$(hard_limit -n 1048576)
  processes=$(hard_limit -u 32768)
  mkdir -p "$image_folder"
  cat >"$CONTAINERS_STORAGE_CONF" <<END_STORAGE
[storage]
driver = "overlay"
graphroot = "$image_folder/graph"
runroot = "$image_folder/run"
END_STORAGE
  cat >"$CONTAINERS_CONF" <<END_CONTAINERS
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$image_folder/libpod"
$(! command -v runc >/dev/null || echo 'runtime = "runc"')
END_CONTAINERS
}

# Where this machine's apt gets Debian 12 from.
debian_mirror() {
  apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' 'Codename: bookworm' 'Component: main' | head -1
}

# Why no container can be built or run here; nothing if they can.
engine_obstacle() {
  local program said
  for program in podman buildah; do
    command -v $program >/dev/null || { echo "$program is not installed"; return; }
  done
  [ "$(id -u)" = 0 ] || { echo "not root: without it containers have no settings of their own for memory and files"; return; }
  said=$(podman info 2>&1 >/dev/null) || { echo "podman info: $(tail -1 <<<"$said")"; return; }
}
