#!/usr/bin/env bash
# Every committed source in the format of .clang-format, as clang-format 16 sees it (versions differ in detail).
#   check-format.sh         names what differs and fails
#   check-format.sh --fix   rewrites it
set -euo pipefail
cd "$(dirname "$0")/../.."
mode=(--dry-run -Werror)
[ "${1:-}" = --fix ] && mode=(-i)
git ls-files -z '*.h' '*.cc' '*.c' | xargs -0 -r -n 40 -P "$(nproc)" clang-format-16 --style=file "${mode[@]}"
echo "format: $(git ls-files '*.h' '*.cc' '*.c' | wc -l) files are in order"
