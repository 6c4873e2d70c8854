#!/bin/sh
# symbols_test.sh LIBRARY HEADER: the library shows the functions of the header, all of them and nothing else, and
# links none of the libraries that a camera's firmware does not have.
set -eu
library=$1
header=$2
exported=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)
declared=$(grep -oE '\*?camvault_[a-z0-9_]+\(' "$header" | tr -d '*(' | sort -u)
if [ "$exported" != "$declared" ]; then
  echo "exported and declared functions differ (< exported, > declared):"
  printf '%s\n' "$exported" > "${TMPDIR:-/tmp}/camvault-exported.$$"
  printf '%s\n' "$declared" | diff "${TMPDIR:-/tmp}/camvault-exported.$$" - || true
  rm -f "${TMPDIR:-/tmp}/camvault-exported.$$"
  exit 1
fi
needed=$(objdump -p "$library" | awk '$1 == "NEEDED" { print $2 }')
if printf '%s\n' "$needed" | grep -E 'libav|libsw|libg(st|lib|object)'; then
  echo "the library links that"
  exit 1
fi
objdump -p "$library" | grep -q 'SONAME *libcamvault\.so\.' || { echo "no versioned soname"; exit 1; }
echo "$(printf '%s\n' "$exported" | wc -l) functions; needs:" $needed
