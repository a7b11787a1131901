#!/usr/bin/env bash
# completion.bash SCRIPT: asks SCRIPT what it completes, as bash does.
set -uo pipefail
bash -n "$1" || exit 1
# shellcheck source=/dev/null
source "$1"
failed=0

# completes EXPECTED WORD…: the last word is the one that is being typed. `=` is a word of its own, as bash has it.
completes() {
  local expected=$1 actual
  shift
  COMP_WORDS=(ringcast "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  _ringcast
  actual=${COMPREPLY[*]}
  [ "$actual" = "$expected" ] && return
  echo "completion.bash: ringcast $*: completed \"$actual\", not \"$expected\""
  failed=1
}

cd "$(mktemp -d)" || exit 1
touch good.toml
completes serve se
completes 'check-config completion' c
completes '' nothing
completes '--io' serve --i
completes 'auto uring epoll' serve --io ''
completes uring serve --io u
completes uring serve --io = u
completes 'auto uring epoll' serve --io =
completes '' serve --listen ''
completes '' serve --listen 1
completes good.toml serve --config g
completes good.toml check-config g
completes '--latest --latency' sub --late
completes '' pub --late
completes '--latest' sub --filter --latest
completes '--help bash zsh fish' completion ''
completes 'serve sub' help s
completes --help version --h
rm good.toml
rmdir "$PWD"
[ $failed = 0 ]
