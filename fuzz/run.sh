#!/usr/bin/env bash
# Fuzzes every target, then shows that the fuzzer finds what it should.
#   FUZZ_SECONDS=600   CPU seconds for each target; 0: only the planted bugs
#   FUZZ_JOBS=1        targets at a time
#   FUZZ_TIMEOUT=10    seconds for one input; more on a machine that others use
#   fuzz/run.sh [TARGET...]
#   fuzz/run.sh --write    puts what all runs since the last --write found into the table of docs/fuzzing.md
# Inputs that are found go to build/fuzz/corpus/TARGET and are used again; a crash goes to build/fuzz/crashes/, figures to
# build/fuzz/results.
# Exits 1 when a target crashes, or when a planted bug is not found within 60 CPU seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-600}
patience=${FUZZ_TIMEOUT:-10}
build=build/fuzz
commit=$(git rev-parse --short HEAD 2> /dev/null || echo unknown)
export seconds patience commit

if [ "${1:-}" = --write ]; then exec python3 fuzz/write_table.py docs/fuzzing.md "$build/results"; fi

prepare() {
  mkdir -p "$build"
  echo "fuzz: building (clang-16, AddressSanitizer, UndefinedBehaviorSanitizer)"
  cmake --preset fuzz -DCAMVAULT_FUZZ_PLANT=ON > "$build/configure.log" 2>&1 || { cat "$build/configure.log"; exit 1; }
  cmake --build "$build" --target fuzz_targets -j "${JOBS:-$(nproc)}" > "$build/build.log" 2>&1 || { tail -n 60 "$build/build.log"; exit 1; }
  if [ $# -gt 0 ]; then targets=("$@"); else
    mapfile -t targets < <(cd fuzz && ls ./*_fuzz.cc | sed 's|^\./||; s|_fuzz\.cc$||')
  fi
  for target in "${targets[@]}"; do
    # A file that no line of CMakeLists.txt names would never run.
    [ -x "$build/fuzz/${target}_fuzz" ] || { echo "fuzz: no program for fuzz/${target}_fuzz.cc" >&2; exit 1; }
  done
}

# Options of libFuzzer for every run of target $1.
options_of() {
  echo "-rss_limit_mb=2048 -timeout=$patience"
  [ ! -f "fuzz/dictionaries/$1.dict" ] || echo "-dict=fuzz/dictionaries/$1.dict"
}
export -f options_of

# One line of figures, and the log of libFuzzer in build/fuzz/logs/. Runs until the CPU seconds are used up, a few minutes
# at a time, each of which has its line in build/fuzz/results: whoever ends us loses no more.
fuzz_target() {
  local target=$1 build=build/fuzz used=0 all=0 edges=0 log part cpu runs status=0 options turn
  local corpus=$build/corpus/$target TIMEFORMAT='cpu %U %S'
  read -rd '' -a options < <(options_of "$target") || true
  mkdir -p "$corpus" "$build/crashes" "$build/logs"
  log=$build/logs/$target.log
  part=$build/logs/$target.part
  : > "$log"
  options+=(-print_final_stats=1 -verbosity=1 "-artifact_prefix=$build/crashes/$target-")
  while [ "$used" -lt "$seconds" ]; do
    turn=$((seconds - used < 300 ? seconds - used : 300))
    { time "$build/fuzz/${target}_fuzz" "${options[@]}" "-max_total_time=$turn" "$corpus" \
      "fuzz/corpus/$target" > "$part" 2>&1; } 2> "$part.time" || status=$?
    cat "$part" >> "$log"
    cpu=$(awk '$1 == "cpu" { n = int($2 + $3 + 0.5); print (n > 0 ? n : 1) }' "$part.time")
    runs=$(awk '/stat::number_of_executed_units/ { n = $2 } END { print n + 0 }' "$part")
    edges=$(grep -oE 'cov: [0-9]+' "$part" | tail -n 1 | cut -d ' ' -f 2 || true)
    rm -f "$part" "$part.time"
    used=$((used + cpu))
    all=$((all + runs))
    # 72: somebody ended libFuzzer (-interrupt_exitcode), which says nothing about the target.
    [ "$status" -eq 0 ] || [ "$status" -eq 72 ] || edges=crashed
    printf '%s %s %s %s %s %s\n' "$target" "$(date -u +%F)" "$commit" "${edges:-0}" "$runs" "$cpu" >> "$build/results"
    if [ "$status" -eq 72 ]; then
      echo "fuzz: $target was interrupted"
      return 1
    fi
    if [ "$status" -ne 0 ]; then
      echo "fuzz: $target CRASHED after $all executions; the input is in $build/crashes/, the log in $log"
      tail -n 40 "$log"
      return 1
    fi
  done
  [ "$used" -gt 0 ] || return 0
  printf 'fuzz: %-12s %6s edges %12s executions %8s a CPU second, %s CPU seconds, clean\n' \
    "$target" "${edges:-?}" "$all" "$((all / used))" "$used"
}
export -f fuzz_target
# From the committed seeds alone, the planted bug within a minute of CPU time: others may use the machine, too.
find_planted() {
  local target=$1 build=build/fuzz folder options status=0 found='' used=0
  local TIMEFORMAT='%U %S'
  folder=$(mktemp -d)
  mkdir "$folder/new" # libFuzzer adds what it finds to the first folder
  read -rd '' -a options < <(options_of "$target") || true
  options+=("-artifact_prefix=$folder/")
  while [ "$status" -eq 0 ] && awk "BEGIN { exit !($used < 60) }"; do
    { time "$build/fuzz/${target}_fuzz_planted" "${options[@]}" -max_total_time=60 "$folder/new" "fuzz/corpus/$target" \
      > "$folder/log" 2>&1; } 2> "$folder/time" || status=$?
    used=$(tail -n 1 "$folder/time" | awk -v used="$used" '{ print used + $1 + $2 }')
  done
  if [ "$status" -eq 0 ]; then
    echo "fuzz: the bug planted in $target was NOT found within 60 s"
    status=1
  else
    found=$(grep -m 1 -oE '(AddressSanitizer: [A-Za-z-]+|runtime error: [^(]*|law broken: .*)' "$folder/log" || true)
    status=0
    if [ -n "$found" ]; then
      printf 'fuzz: %-12s planted bug found after %.1f CPU seconds (%s)\n' "$target" "$used" "$found"
    else
      echo "fuzz: the planted $target stopped for another reason:"
      tail -n 20 "$folder/log"
      status=1
    fi
  fi
  rm -rf "$folder"
  return "$status"
}

# In one piece: bash would read on in a file that somebody changes while this runs.
main() {
  local status=0 target
  prepare "$@"
  printf '%s\0' "${targets[@]}" |
    xargs -0 -n 1 -P "${FUZZ_JOBS:-1}" bash -c 'set -euo pipefail; fuzz_target "$1"' fuzz || status=1
  # Do they find anything? A fuzzer that finds nothing here would find nothing anywhere.
  for target in "${targets[@]}"; do find_planted "$target" || status=1; done
  return "$status"
}
main "$@"
exit $?
