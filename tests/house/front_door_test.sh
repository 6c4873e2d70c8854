#!/usr/bin/env bash
# The Makefile: help names every target, and the scripts it calls are there and run.
set -euo pipefail
cd "$1"
fail() { echo "PROBLEM: $*"; exit 1; }
unset MAKEFLAGS MAKELEVEL
help=$(make --no-print-directory help)
[ "$help" = "$(make --no-print-directory)" ] || fail "make alone is not make help"
for target in $(sed -n 's/^\.PHONY://p' Makefile); do
  grep -q "^  make $target " <<< "$help" || fail "make help does not name $target"
done
for script in .ci/run packaging/install-packages.sh tools/dev/check-format.sh tools/dev/check-tidy.sh; do
  [ -x "$script" ] || fail "$script cannot be run"
  bash -n "$script" || fail "$script does not parse"
done
grep -q 'make .*test' .ci/run || fail ".ci/run does not call make test"
# The first thing `make run` does is to say what is going on.
first=$(make -n run | sed -n 1p)  # reads on to the end: head would end make with SIGPIPE now and then
case "$first" in echo*) ;; *) fail "make run begins with: $first" ;; esac
echo "$(sed -n 's/^\.PHONY://p' Makefile | wc -w) targets are in the help"
