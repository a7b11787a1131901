#!/usr/bin/env bash
# build_image.sh compiled|prebuilt: builds deploy/Containerfile as localhost/ringcast, in a store of its own
# (deploy/engine.sh). The base image is pulled, or made of Debian's packages where no registry answers. `./dev image` runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source deploy/engine.sh
binary=$1

say() { echo "image: $*"; }

# Debian 12 as this machine's apt gets it, without what debian:bookworm-slim leaves out.
make_base() {
  local mirror tar=$image_folder/base.tar
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || { say "apt knows no mirror of bookworm"; return 1; }
  mmdebstrap --quiet --variant=minbase --include=ca-certificates --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$tar" "$mirror"
  podman import --quiet --change 'CMD ["bash"]' "$tar" "$image_base" >/dev/null
  rm "$tar"
}

base() {
  if podman image exists "$image_base"; then return; fi
  if timeout 60 podman pull --quiet "$image_base" >/dev/null 2>&1; then
    say "base: $image_base, pulled"
  else
    say "base: no registry answers; made of Debian's packages"
    make_base
  fi
}

secrets=()
for secret in "npmrc ${NPM_CONFIG_USERCONFIG:-$HOME/.npmrc}" "ca ${NODE_EXTRA_CA_CERTS:-}"; do
  if [ -f "${secret#* }" ]; then secrets+=(--secret "id=${secret%% *},src=${secret#* }"); fi
done

engine_configuration
base
# With the engine's own names: the network of the host, because a machine without a registry has its own way to its packages.
buildah build --pull-never --network host --format docker --build-arg BINARY="$binary" --build-arg VERSION="${image_name##*:}" \
  --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || true)" "${secrets[@]}" -f deploy/Containerfile -t "$image_name" .
