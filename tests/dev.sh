# Sourced by ./dev, from the root of the tree, for the commands that test: test, tsan, fuzz and lint.
# shellcheck shell=bash

# ---- testing ----

unit_tests() { ctest --test-dir "build/$1" --output-on-failure -j "$(nproc)"; }

# The tests with the label `threads` are named after their targets; the rest of the tree is not built for them.
thread_tests() { ctest --test-dir build/tsan -N -L threads | sed -n 's/^ *Test *#[0-9]*: //p'; }

# build_tsan [TARGET…]: these too.
build_tsan() {
  local targets
  configure tsan
  mapfile -t targets < <(thread_tests)
  [ ${#targets[@]} -gt 0 ] || fail "no test has the label threads"
  build tsan "${targets[@]}" "$@"
}

run_tsan() { ctest --test-dir build/tsan -L threads --output-on-failure -j "$(nproc)"; }

# The parts of web/client that need no broker.
client_tests() { "$node" --test tests/web/client/*.test.mjs; }

# Kubernetes manifests, the seccomp profile, alert rules and the dashboard: against what they are written for.
deploy_tests() { "$node" --test tests/deploy/*.test.mjs; }

# end_to_end PRESET AT_ONCE FILE…: tests in JavaScript against the binary of that preset, so many files at once.
end_to_end() {
  local preset=$1 at_once=$2
  shift 2
  RINGCAST_BINARY=$PWD/build/$preset/ringcast "$node" --test --test-concurrency="$at_once" "$@"
}

# The same with fewer messages: a sanitized broker is slower, and finds what it finds with few.
end_to_end_short() { RINGCAST_ORDER_ROUNDS=8 end_to_end "$@"; }

# end_to_end_files (--alone | --others): those that time something, or keep the machine busy, want it for themselves.
end_to_end_files() {
  local pattern='/(order|snapshot|storm)\.test\.mjs$' options=(-E)
  if [ "$1" = --others ]; then options+=(-v); fi
  find tests/e2e -name '*.test.mjs' | sort | grep "${options[@]}" "$pattern"
}

test_command() {
  local all=no
  case ${1:-} in
    --all) all=yes ;;
    '') ;;
    *) fail "test takes only --all" ;;
  esac
  local needs=(build test browser clang)
  if [ $all = yes ]; then needs+=(lint); fi
  need "${needs[@]}"
  need_node
  if [ $all = yes ]; then need_promtool; fi
  local alone others
  mapfile -t alone < <(end_to_end_files --alone)
  mapfile -t others < <(end_to_end_files --others)

  stage "build dev: AddressSanitizer, UndefinedBehaviorSanitizer, libFuzzer" build dev all fuzz
  behind build-release build release ringcast e2e_producer
  stage "unit tests, fuzz corpora, 2,000 simulated seeds" unit_tests dev
  stage "unit tests of the JavaScript client" client_tests
  stage "what deploys it: manifests, seccomp profile, alerts" deploy_tests
  stage "build release" await build-release
  behind build-tsan build_tsan
  stage "end to end, the release binary" end_to_end release 3 "${others[@]}"
  stage "build tsan: what crosses threads" await build-tsan
  stage "end to end, the release binary, what wants it all" end_to_end release 1 "${alone[@]}"
  stage "end to end, the sanitized binary" end_to_end_short dev 2 tests/e2e/{order,raw,full,full_publishing,bad_requests}.test.mjs
  stage "ThreadSanitizer" run_tsan
  stage "fuzz the sanitized build, each target 2 s" fuzz_all dev 2

  if [ $all = yes ]; then
    stage "build tsan, the broker too" build_tsan ringcast
    stage "end to end, under ThreadSanitizer" end_to_end_short tsan 1 tests/e2e/{order,reload}.test.mjs
    STORM_TLS=1 stage "end to end, a storm over TLS" end_to_end release 1 tests/e2e/storm.test.mjs
    stage "build release, the tests too" build release
    stage "unit tests, the release build" unit_tests release
    stage "lint" lint --all
    stage "build fuzz" build fuzz fuzz
    stage "fuzz, each target 30 s" fuzz_all fuzz 30
    stage "bench" perf/bench --quick
  fi
}

# ---- parts of it by themselves ----

tsan_command() {
  need build clang
  need_node
  stage "build tsan: what crosses threads" build_tsan ringcast
  stage "ThreadSanitizer" run_tsan
  stage "end to end, under ThreadSanitizer" end_to_end_short tsan 1 tests/e2e/{order,reload}.test.mjs
}

# fuzz_one PRESET TARGET SECONDS
fuzz_one() {
  local preset=build/$1 target=$2 seconds=$3 options=()
  mkdir -p "$preset/found/$target" "$preset/crashes"
  if [ -f "tests/fuzz/$target.dict" ]; then options=(-dict="tests/fuzz/$target.dict"); fi
  # New inputs go to build/; what is worth keeping is copied to tests/fuzz/corpus by hand, with a name that says why.
  "$preset/fuzz_$target" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 "${options[@]}" \
    -artifact_prefix="$preset/crashes/$target-" "$preset/found/$target" "tests/fuzz/corpus/$target" \
    2>"$preset/$target.log" ||
    { tail -40 "$preset/$target.log" >&2; fail "$target found something; the input is in $preset/crashes/"; }
  echo "$target: $(sed -n 's/^stat::\(number_of_executed_units\|new_units_added\): */ /p' "$preset/$target.log" | xargs |
    sed 's/ / runs, new inputs: /')"
}

# fuzz_all PRESET SECONDS: every target so long, as many at once as there are processors.
fuzz_all() {
  local target running=0 failed=no
  for target in "build/$1"/fuzz_*; do
    [ -L "$target" ] || continue  # fuzz_replay_tests is none
    target=${target##*/fuzz_}
    fuzz_one "$1" "$target" "$2" &
    running=$((running + 1))
    if [ $running -lt "$(nproc)" ]; then continue; fi
    wait -n || failed=yes
    running=$((running - 1))
  done
  while [ $running -gt 0 ]; do
    wait -n || failed=yes
    running=$((running - 1))
  done
  [ $failed = no ] || fail "fuzzing found something"
}

fuzz_command() {
  local seconds=${1:-60}
  [[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "fuzz takes a number of seconds, not $seconds"
  need build clang
  stage "build fuzz" build fuzz fuzz
  stage "fuzz, each target $seconds s" fuzz_all fuzz "$seconds"
}

# The C++ files that differ from main, uncommitted and new ones included; all of them where there is no main.
changed_sources() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || true)
  if [ -z "$base" ]; then
    git ls-files -- '*.cc'
  else
    { git diff --name-only --diff-filter=d "$base" -- '*.cc' '*.h'; git ls-files -o --exclude-standard -- '*.cc' '*.h'; } |
      sed 's/\.h$/.cc/' | sort -u | while read -r file; do [ -f "$file" ] && echo "$file"; done || true
  fi
}

lint() {
  local sources scripts
  mapfile -t sources < <(git ls-files -co --exclude-standard -- '*.cc' '*.h')
  clang-format-19 --dry-run --Werror "${sources[@]}"
  mapfile -t scripts < <(git ls-files -co --exclude-standard | while read -r file; do
    [ -f "$file" ] && head -1 "$file" | grep -q '^#!.*bash' && echo "$file"; done)
  shellcheck -x "${scripts[@]}"
  configure tidy
  if [ "${1:-}" = --all ]; then mapfile -t sources < <(git ls-files -- '*.cc'); else mapfile -t sources < <(changed_sources); fi
  # Fuzz targets are only in the fuzz preset's compile commands; their headers are checked with the others.
  mapfile -t sources < <(printf '%s\n' "${sources[@]}" | while read -r file; do
    grep -qF "/$file\"" build/tidy/compile_commands.json && echo "$file"; done || true)
  say "clang-format and shellcheck are content; clang-tidy on ${#sources[@]} files"
  [ ${#sources[@]} = 0 ] || run-clang-tidy-19 -quiet -p build/tidy "${sources[@]/#/$PWD/}" 2>/dev/null
}

lint_command() {
  need build lint
  stage "lint" lint "$@"
}
