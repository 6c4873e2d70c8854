#!/usr/bin/env bash
# clang-tidy 16 over the sources of a configured build tree; any finding fails (.clang-tidy says why each check is on).
#   check-tidy.sh BUILD_DIR [JOBS] [FILE...]
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:?usage: check-tidy.sh BUILD_DIR [JOBS] [FILE...]}
jobs=${2:-$(nproc)}
shift $(($# < 2 ? $# : 2))
if [ $# -gt 0 ]; then files=("$@"); else mapfile -t files < <(git ls-files 'libs/*.cc' 'daemons/*.cc' 'tools/*.cc' 'plugins/*.cc'); fi
known=()
for file in "${files[@]}"; do
  if grep -qF "/$file\"" "$build/compile_commands.json"; then known+=("$file"); fi
done
echo "tidy: ${#known[@]} files, $jobs at a time"
printf '%s\0' "${known[@]}" | xargs -0 -n 1 -P "$jobs" clang-tidy-16 -p "$build" --quiet 2> /dev/null
echo "tidy: clean"
