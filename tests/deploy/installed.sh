#!/usr/bin/env bash
# installed.sh CMAKE BUILD: installs the broker from BUILD into a fresh prefix, and looks at each file as its user would:
# the unit by systemd, the example by the broker, and the binary under a service manager.
set -euo pipefail
cmake=$1 build=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
broker=
trap 'if [ -n "$broker" ]; then kill "$broker" 2>/dev/null || true; wait "$broker" || true; fi; rm -rf "$work"' EXIT

fail() { echo "installed.sh: $*" >&2; exit 1; }

# wait_for TEXT FILE: until a line of it begins with TEXT.
wait_for() {
  for _ in $(seq 600); do
    grep -q "^$1" "$2" 2>/dev/null && return
    sleep 0.05
  done
  cat "$2" >&2
  fail "$2 never said $1"
}

"$cmake" --install "$build" --prefix "$work/prefix" --component broker >"$work/log" || { cat "$work/log"; exit 1; }
installed=$(cd "$work/prefix" && find . -type f | sort | tr '\n' ' ')
expected='./bin/ringcast ./lib/systemd/system/ringcast.service ./share/bash-completion/completions/ringcast '
expected+='./share/doc/ringcast/ringcast.toml ./share/fish/vendor_completions.d/ringcast.fish ./share/man/man1/ringcast.1 '
expected+='./share/zsh/site-functions/_ringcast '
[ "$installed" = "$expected" ] || fail "installed $installed"
ringcast=$work/prefix/bin/ringcast
unit=$work/prefix/lib/systemd/system/ringcast.service
example=$work/prefix/share/doc/ringcast/ringcast.toml

# ---- the example: right, and the unit's own words agree with it ----
"$ringcast" check-config "$example" >"$work/checked" || fail "the example is refused"
grep -q '^history = ' "$work/checked" || fail "the example's rules are not in it"
"$ringcast" check-config "$here/../../deploy/k8s/broker/ringcast.toml" >"$work/checked" || fail "the pod's configuration is refused"
grep -qx "ExecStart=$ringcast serve --config /etc/ringcast/ringcast.toml" "$unit" || fail "the unit does not start $ringcast"
drain=$(sed -nE 's/^(drain-deadline|lame-duck) = "([0-9]+)s"$/\2/p' "$example" | awk '{ sum += $1 } END { print sum }')
stop=$(sed -n 's/^TimeoutStopSec=//p' "$unit")
[ "$drain" -lt "$stop" ] || fail "systemd kills after $stop s what may drain for $drain s"

# ---- the unit: as systemd reads it, and how exposed it finds it ----
if command -v systemd-analyze >/dev/null; then
  sed 's!/etc/ringcast/ringcast.toml!/dev/null!' "$unit" >"$work/ringcast.service"  # verify wants no file but the binary
  systemd-analyze verify --man=no "$work/ringcast.service" >"$work/verified" 2>&1 || true
  ! grep -F ringcast.service "$work/verified" || fail "systemd finds fault with the unit"
  exposure=$(systemd-analyze security --offline=true --threshold=15 "$work/ringcast.service") ||
    { echo "$exposure"; fail "the unit is more exposed than 1.5 of 10"; }
  grep 'Overall exposure' <<<"$exposure"
else
  echo "installed.sh: no systemd-analyze here: the unit is not checked by systemd"
fi

# ---- the manual page: no warning, and every option of the broker's own help is in it ----
page=$work/prefix/share/man/man1/ringcast.1
if command -v man >/dev/null && command -v groff >/dev/null; then
  MANROFFOPT=-ww MANWIDTH=120 LC_ALL=C.UTF-8 man --warnings -l "$page" >"$work/page" 2>"$work/warnings"
  ! [ -s "$work/warnings" ] || { cat "$work/warnings"; fail "groff finds fault with the manual page"; }
  for command in serve pub sub demo; do
    "$ringcast" help "$command" | grep -o '^  --[a-z-]*' | while read -r option; do
      grep -q -- "^ *$option\b" "$work/page" || fail "the manual page does not know $option"
    done
  done
else
  echo "installed.sh: no man here: the manual page is not formatted"
fi

# ---- completions: by the shells themselves, where they are ----
bash "$here/completion.bash" "$work/prefix/share/bash-completion/completions/ringcast"
if command -v zsh >/dev/null; then
  zsh -n "$work/prefix/share/zsh/site-functions/_ringcast"
  zsh -f "$here/completion.zsh" "$work/prefix/share/zsh/site-functions/_ringcast"
else
  echo "installed.sh: no zsh here: its completion is not run"
fi
if command -v fish >/dev/null; then
  fish --no-execute "$work/prefix/share/fish/vendor_completions.d/ringcast.fish"
  fish "$here/completion.fish" "$work/prefix/share/fish/vendor_completions.d/ringcast.fish"
else
  echo "installed.sh: no fish here: its completion is not run"
fi

# ---- the binary under a service manager, at a path and at an abstract name ----
for socket in "$work/notify" "@ringcast-installed-$$"; do
  rm -f "$work/told"
  python3 "$here/manager.py" "$work/told" "$socket" \
    "$ringcast" serve --config "$example" --listen 127.0.0.1:0 --admin 127.0.0.1:0 --shards 1 2>"$work/broker" &
  broker=$!
  wait_for 'READY=1;STATUS=serving on 127.0.0.1:' "$work/told"
  grep -q 'ready on http://' "$work/broker" || fail "the manager was told before the broker was ready"
  kill "$broker"
  wait "$broker" || { cat "$work/broker"; fail "the broker ended with $?"; }
  broker=
  [ "$(sed 's/;.*//' "$work/told" | tr '\n' ' ')" = 'READY=1 STOPPING=1 ENDED ' ] || { cat "$work/told"; fail "was told otherwise"; }
done
# A manager that is not there hinders nothing.
NOTIFY_SOCKET=$work/nobody timeout 60 "$ringcast" serve --listen 127.0.0.1:0 --admin 127.0.0.1:0 --shards 1 2>"$work/broker" &
broker=$!
wait_for '.*the service manager is not told: ' "$work/broker"
kill "$broker"
wait "$broker" || fail "without a manager the broker ended with $?"
broker=
echo "1 passed, 0 failed"
