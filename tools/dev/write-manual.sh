#!/usr/bin/env bash
# Manual pages and bash completion, as the program itself prints them.
#   write-manual.sh OUT_DIR PROGRAM...   (PROGRAM may have an emulator in front)
set -euo pipefail
out=$1
shift
mkdir -p "$out/man1" "$out/completions"
rm -f "$out"/man1/*
while read -r page; do
  IFS=- read -r -a topic <<< "$page"  # camvault-keystore-list: camvault help keystore list --man
  "$@" help "${topic[@]:1}" --man > "$out/man1/$page.1"
done < <("$@" help --list)
"$@" help --bash-completion > "$out/completions/camvault"
[ -s "$out/man1/camvault.1" ]
