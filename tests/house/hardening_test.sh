#!/usr/bin/env bash
# What the linker was asked for is in the programs: position independent, read-only relocations resolved at start,
# no executable stack, stack protector.
#   hardening_test.sh FOLDER
set -euo pipefail
fail() { echo "PROBLEM: $*"; exit 1; }
checked=0
for program in "$1"/*; do
  [ -f "$program" ] && [ -x "$program" ] || continue
  header=$(readelf -hW "$program" 2> /dev/null) || continue  # not ELF: a script
  segments=$(readelf -lW "$program")
  dynamic=$(readelf -dW "$program")
  grep -Eq 'Type: +DYN' <<< "$header" || fail "$program is not position independent"
  grep -q 'GNU_RELRO' <<< "$segments" || fail "$program has no RELRO"
  grep -Eq 'GNU_STACK .* RW ' <<< "$segments" || fail "$program has an executable stack"
  grep -Eq 'BIND_NOW|FLAGS_1.*NOW' <<< "$dynamic" || fail "$program resolves symbols lazily"
  symbols=$(readelf --dyn-syms -W "$program")
  grep -q "__stack_chk_fail" <<< "$symbols" || fail "$program has no stack protector"
  if grep -Eq 'RPATH|RUNPATH' <<< "$dynamic"; then fail "$program has a run path into the build tree or elsewhere"; fi
  checked=$((checked + 1))
done
echo "$checked programs are hardened"
