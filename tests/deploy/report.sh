# Sourced by tests in shell: cases that say ok, FAILED or skipped and why, and a last line that counts them.
# shellcheck shell=bash

passed=0 failed=0 skipped=0

# run CASE TEXT: the function CASE, which says itself what is wrong; after_case, where there is one, cleans up.
run() {
  local begin=$SECONDS
  if "$1"; then
    passed=$((passed + 1))
    echo "ok: $2 ($((SECONDS - begin)) s)"
  else
    failed=$((failed + 1))
    echo "FAILED: $2"
  fi
  if declare -F after_case >/dev/null; then after_case; fi
}

# skip WHAT WHY
skip() {
  skipped=$((skipped + 1))
  echo "skipped: $1: $2"
}

# The last line; false if a case failed.
report() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ $failed = 0 ]
}

# is WHAT FOUND WANTED: for the cases; whoever sources this says by fails() what else is known.
is() { [ "$2" = "$3" ] || fails "$1 is $2, not $3"; }
