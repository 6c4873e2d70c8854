#!/usr/bin/env bash
# packaging/install-packages.sh on this machine, without installing anything.
set -euo pipefail
script=$1/packaging/install-packages.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "PROBLEM: $*"; exit 1; }
# status WANTED TEXT COMMAND...: the command ends with WANTED and its output holds TEXT
status() {
  local wanted=$1 text=$2 code=0
  shift 2
  out=$("$@" 2>&1 < /dev/null) || code=$?
  [ "$code" = "$wanted" ] || fail "$* ended with $code, not $wanted: $out"
  case "$out" in *"$text"*) ;; *) fail "$* does not say '$text': $out" ;; esac
}

printf 'this-package-is-nowhere\n' > "$scratch/missing.txt"
status 64 'usage' env -u CAMVAULT_NO_APT "$script"
status 69 'cannot read' env -u CAMVAULT_NO_APT "$script" "$scratch/no-such-list.txt"
status 0 'CAMVAULT_NO_APT=1' env CAMVAULT_NO_APT=1 "$script" "$scratch/missing.txt"
[ ! -e /usr/sbin/policy-rc.d ] || ! grep -q 'camvault' /usr/sbin/policy-rc.d || fail "a policy-rc.d of ours was left behind"

# Away from Debian: a machine without apt-get is told what to do.
mkdir "$scratch/bin"
for tool in bash env cat; do ln -s "$(command -v $tool)" "$scratch/bin/$tool"; done
status 69 'CAMVAULT_NO_APT=1' env -i PATH="$scratch/bin" bash "$script" "$scratch/missing.txt"

if command -v dpkg-query > /dev/null; then
  printf '# always there\nbash\n\ncoreutils\ndpkg\n' > "$scratch/there.txt"
  began=$(date +%s%N)
  status 0 '' env -u CAMVAULT_NO_APT "$script" "$scratch/there.txt"
  took=$((($(date +%s%N) - began) / 1000000))
  [ -z "$out" ] || fail "nothing to do, and yet it says: $out"
  [ "$took" -lt 1000 ] || fail "nothing to do took $took ms"
  echo "nothing to do took $took ms"
else
  echo "no dpkg here: the quick way through is not tried"
fi
