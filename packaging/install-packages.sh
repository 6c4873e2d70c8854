#!/usr/bin/env bash
# Installs the packages named in LIST files (one a line, # comments) that this machine does not have yet.
#
#   packaging/install-packages.sh packaging/packages-run.txt [packaging/packages-test.txt ...]
#
# CAMVAULT_NO_APT=1 skips it. Says what it does; does nothing, at once, when nothing is missing. Services
# that come with a package neither start nor stay enabled: what runs on this machine is the owner's choice.
set -euo pipefail

say() { printf 'packages: %s\n' "$*"; }
die() { printf 'packages: error: %s\n' "$1" >&2; shift; for line in "$@"; do printf '  %s\n' "$line" >&2; done; exit 69; }

if [ "${CAMVAULT_NO_APT:-}" = 1 ]; then
  say "CAMVAULT_NO_APT=1, so nothing is looked for or installed"
  exit 0
fi
[ $# -gt 0 ] || { echo "usage: ${0##*/} LIST..." >&2; exit 64; }

wanted=()
for list in "$@"; do
  [ -r "$list" ] || die "cannot read the package list $list"
  while read -r name _; do
    case "$name" in '' | '#'*) ;; *) wanted+=("$name") ;; esac
  done < "$list"
done

{ command -v dpkg-query && command -v apt-get; } > /dev/null ||
  die "no apt-get here; this project is built on Debian 12" \
      "install what stands in these lists by other means, then set CAMVAULT_NO_APT=1:" "$@"

# One dpkg-query for all; names that dpkg never heard of are missing from its answer.
native=$(dpkg --print-architecture)
declare -A have=()
while read -r status name arch; do
  [ "$status" = installed ] || continue
  have[$name:$arch]=1
  if [ "$arch" = "$native" ] || [ "$arch" = all ]; then have[$name]=1; fi
done < <(dpkg-query -W -f='${db:Status-Status} ${Package} ${Architecture}\n' "${wanted[@]}" 2> /dev/null || true)

missing=()
foreign=()
for name in "${wanted[@]}"; do
  [ -n "${have[$name]:-}" ] && continue
  missing+=("$name")
  case "$name" in *:*) foreign+=("${name##*:}") ;; esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

say "${#missing[@]} of ${#wanted[@]} packages are missing, installing: ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null ||
    die "installing needs root, and there is no sudo" \
        "as root: apt-get install --no-install-recommends ${missing[*]}" \
        "or set CAMVAULT_NO_APT=1 to build with what is there"
  say "asking for root by sudo"
  ask=()
  [ -t 0 ] || ask=(-n)
  lists=()
  for list in "$@"; do lists+=("$(realpath "$list")"); done
  exec sudo "${ask[@]}" "$(realpath "$0")" "${lists[@]}"
fi

# While we install, invoke-rc.d asks this file and is told that no service may start. Somebody's own
# policy is put aside for that long; what a killed run left behind is recognised by our first lines.
policy=/usr/sbin/policy-rc.d
saved=$policy.before-camvault
mark='# made by camvault packaging/install-packages.sh; safe to delete'
restore_policy() {
  if grep -qsxF "$mark" "$policy"; then rm -f "$policy"; fi
  if [ -e "$saved" ]; then mv -f "$saved" "$policy"; fi
}
forbid_service_starts() {
  restore_policy
  if [ -e "$policy" ]; then mv -f "$policy" "$saved"; fi
  printf '#!/bin/sh\n%s\nexit 101\n' "$mark" > "$policy"
  chmod 755 "$policy"
}
# Only where systemd runs the machine could a service that a package enables start at the next boot.
enabled_services() {
  [ -d /run/systemd/system ] || return 0
  systemctl --root=/ list-unit-files --state=enabled --no-legend --type=service 2> /dev/null | awk '{print $1}' | sort
}

exec 9> /run/camvault-install-packages.lock
flock 9

# apt-get started in the background does not hear Ctrl-C: the end waits for it, since services would start and
# the package database would be left in pieces otherwise.
finish() {
  if [ -n "$apt_pid" ] && kill -0 "$apt_pid" 2> /dev/null; then
    say "waiting for apt-get to leave the package database in order"
    wait "$apt_pid" || true
  fi
  restore_policy
  rm -f "$log"
}
log=$(mktemp)
apt_pid=
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
before=$(enabled_services)
forbid_service_starts

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
apt() { apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" < /dev/null; }

updated=
update() {
  say "apt-get update"
  apt -qq update > "$log" 2>&1 || { tail -n 20 "$log" >&2; die "apt-get update failed; is the network there?"; }
  updated=1
}
for arch in $(printf '%s\n' ${foreign[@]+"${foreign[@]}"} | sort -u); do
  if [ "$arch" != all ] && [ "$arch" != "$native" ] && ! dpkg --print-foreign-architectures | grep -qx "$arch"; then
    say "dpkg --add-architecture $arch"
    dpkg --add-architecture "$arch"
    updated=
    update
  fi
done
# Old package lists name versions the mirror no longer has, missing ones name nothing: both show as a failure.
installable() { apt -s --no-install-recommends install "${missing[@]}" > "$log" 2>&1; }
installable || update
installable || { grep -E '^(E:|  *[a-z0-9])' "$log" | head -n 20 >&2; die "apt cannot install these together; is this Debian 12 with its main section?"; }
total=$(grep -c '^Inst ' "$log")
say "$total packages with their dependencies; this takes a minute or two"

count() { grep -c "^$1" "$log" || true; }
fetch_and_install() {
  apt -y -q --no-install-recommends -o Dpkg::Options::=--force-confold install "${missing[@]}" > "$log" 2>&1 &
  apt_pid=$!
  local seconds=0
  while kill -0 "$apt_pid" 2> /dev/null; do
    sleep 1
    seconds=$((seconds + 1))
    if [ $((seconds % 5)) -eq 0 ]; then
      say "of $total: $(count 'Get:') fetched, $(count Unpacking) unpacked, $(count 'Setting up') set up"
    fi
  done
  wait "$apt_pid"
}
if ! fetch_and_install; then
  [ -z "$updated" ] || { tail -n 30 "$log" >&2; die "apt-get install failed"; }
  update
  fetch_and_install || { tail -n 30 "$log" >&2; die "apt-get install failed"; }
fi

mapfile -t new_services < <(comm -13 <(printf '%s\n' "$before") <(enabled_services))
if [ ${#new_services[@]} -gt 0 ]; then
  say "left disabled, as they are not ours to start: ${new_services[*]}"
  systemctl --root=/ disable "${new_services[@]}" > /dev/null 2>&1 || die "could not disable: ${new_services[*]}"
fi
say "done"
