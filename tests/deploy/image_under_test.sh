# Sourced from the root of the tree by what tests the image.
# shellcheck shell=bash
source deploy/engine.sh
source tests/deploy/report.sh

# image_unless OBSTACLE: skips every case where there is an obstacle, and fails where nobody has built the image: the script ends.
image_unless() {
  if [ -n "$1" ]; then
    skip "every case" "$1"
    report
    exit
  fi
  podman image exists "$image_name" || { echo "there is no $image_name: ./dev image builds it"; exit 1; }
}
