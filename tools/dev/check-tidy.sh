#!/usr/bin/env bash
# clang-tidy 16 over the sources that ship (not the tests), as a configured build tree compiles them. Any finding
# fails; .clang-tidy says why checks are off.
#   check-tidy.sh BUILD_DIR [JOBS] [FILE...]
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:?usage: check-tidy.sh BUILD_DIR [JOBS] [FILE...]}
jobs=${2:-$(nproc)}
shift $(($# < 2 ? $# : 2))
if [ $# -gt 0 ]; then files=("$@"); else mapfile -t files < <(git ls-files '*/src/*.cc' 'daemons/*.cc' 'tools/*.cc' | grep -v /tests/ | sort -u); fi
known=()
for file in "${files[@]}"; do
  if grep -qF "/$file\"" "$build/compile_commands.json"; then known+=("$file"); fi
done
[ ${#known[@]} -gt 0 ] || { echo "tidy: no file is known to $build/compile_commands.json" >&2; exit 1; }
echo "tidy: ${#known[@]} files, $jobs at a time"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# GCC's own warning switches stand in the commands; clang need not know them.
if printf '%s\0' "${known[@]}" |
    xargs -0 -n 1 -P "$jobs" clang-tidy-16 -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option > "$log" 2>&1; then
  echo "tidy: clean"
else
  # A finding in a header shows once for every file that includes it.
  grep -E '(error|warning): ' "$log" | sort -u
  exit 1
fi
