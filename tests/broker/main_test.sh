#!/usr/bin/env bash
# What the binary ($1) says and leaves behind where no broker is needed: exit codes, stdout and stderr of main.cc.
set -uo pipefail
ringcast=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0 failed=0
# Nothing that the caller's environment says of ringcast.
while IFS='=' read -r name _; do unset "$name"; done < <(env | grep '^RINGCAST_')

# expect CODE STREAM TEXT ARGUMENTS…: runs it and looks for TEXT in stdout or stderr; the other stream must be empty.
expect() {
  local code=$1 stream=$2 text=$3 other=stdout actual
  shift 3
  [ "$stream" = stdout ] && other=stderr
  "$ringcast" "$@" >"$folder/stdout" 2>"$folder/stderr" </dev/null
  actual=$?
  if [ "$actual" = "$code" ] && grep -qF -- "$text" "$folder/$stream" && ! [ -s "$folder/$other" ]; then
    passed=$((passed + 1))
    return
  fi
  failed=$((failed + 1))
  echo "FAILED: ringcast $*"
  echo "  exit code $actual, expected $code; expected on $stream: $text"
  sed 's/^/  stdout: /' "$folder/stdout"
  sed 's/^/  stderr: /' "$folder/stderr"
}

printf 'shards = 2\n[[history]]\nfilter = "ticker/#"\nlast = 5\n' >"$folder/good.toml"
printf 'lisen = "x"\nshards = 0\n' >"$folder/bad.toml"
printf 'shards = \n' >"$folder/syntax.toml"

expect 0 stdout "ringcast 0." version
expect 0 stdout "ringcast 0." --version
expect 0 stdout "check-config FILE" help
expect 0 stdout "check-config FILE" --help
expect 0 stdout "--shards N|auto" help serve
expect 0 stdout "--shards N|auto" serve --help
# shellcheck disable=SC2016  # Markdown
expect 0 stdout '| `--shards N\|auto` |' options
expect 0 stdout "complete -F _ringcast ringcast" completion bash
expect 0 stdout ".TH RINGCAST 1" man
expect 2 stderr 'completion: "tcsh" is none of bash, zsh, fish' completion tcsh
expect 2 stderr "ringcast completion needs bash|zsh|fish" completion
expect 0 stdout "history = ticker/#=5" check-config "$folder/good.toml"
expect 2 stderr "Usage: ringcast COMMAND"
expect 2 stderr 'did you mean "serve"?' serv
expect 2 stderr 'did you mean "serve"?' help serv
expect 2 stderr 'did you mean "--shards"?' serve --shard 4
expect 2 stderr '--shards: "0" is out of range: 1 to 64, or auto' serve --shards 0
expect 2 stderr 'bad.toml:1:1: unknown key "lisen"; did you mean "listen"?' check-config "$folder/bad.toml"
expect 2 stderr 'bad.toml:2:10: shards "0" is out of range' check-config "$folder/bad.toml"
expect 2 stderr 'bad.toml:2:10: shards "0" is out of range' serve --config "$folder/bad.toml"
expect 2 stderr 'syntax.toml:1:' check-config "$folder/syntax.toml"
expect 2 stderr "$folder/none.toml: cannot be read: No such file or directory" check-config "$folder/none.toml"
expect 2 stderr "$folder: cannot be read: Is a directory" serve --config "$folder"
expect 2 stderr "/dev/zero: is larger than 1 MiB" check-config /dev/zero
expect 2 stderr "ringcast pub needs TOPIC" pub

export RINGCAST_SHARD=4
expect 2 stderr 'RINGCAST_SHARD in the environment is no option of ringcast; did you mean "RINGCAST_SHARDS"?' serve
expect 0 stdout "right" check-config "$folder/good.toml"
expect 0 stdout "ringcast 0." version
unset RINGCAST_SHARD

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
