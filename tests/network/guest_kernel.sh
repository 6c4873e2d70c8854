#!/usr/bin/env bash
# A kernel for the emulated machine of hwsim_test.py: Debian's full one (the "cloud" one, and what containers run on, have no simulated
# radios), as a package that is fetched and unpacked, not installed: nothing in /boot changes.
#
#   tests/network/guest_kernel.sh FOLDER
#
# apt checks the package against the archive's signature. Where there is none to be had it says so and ends well: the test is
# skipped then, and says so, too.
set -euo pipefail

say() { printf 'camvault: %s\n' "$*"; }
without() { say "no kernel for the emulated machine ($*): its test will be skipped"; exit 0; }

mkdir -p "${1:?FOLDER}"
folder=$(cd "$1" && pwd)
[ -z "$(find "$folder" -name mac80211_hwsim.ko -print -quit)" ] || exit 0
[ "${CAMVAULT_NO_APT:-}" != 1 ] || without "CAMVAULT_NO_APT=1"
[ "$(uname -m)" = x86_64 ] || without "it is one of x86_64"
command -v apt-get > /dev/null || without "no apt-get here"

package=$(apt-cache depends linux-image-amd64 2> /dev/null | sed -nE 's/^ *Depends: (linux-image-[0-9][^ ]*)$/\1/p' | sed -n 1p)
[ -n "$package" ] || without "apt knows no linux-image-amd64; apt-get update may bring it"
work=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
say "fetching $package, 70 MB, for the emulated machine"
options=(-q)
[ "$(id -u)" != 0 ] || options+=(-o APT::Sandbox::User=root)  # the folder is not the sandbox user's
(cd "$work" && apt-get "${options[@]}" download "$package" > log 2>&1) || { tail -n 5 "$work/log" >&2; without "apt-get download $package failed"; }
# What no guest with two simulated radios loads stays in the package: of 400 MB some 20 are needed.
mkdir "$work/tree"
dpkg-deb --fsys-tarfile "$work"/*.deb | tar -x -C "$work/tree" --wildcards './boot/vmlinuz-*' './lib/modules/*/kernel/crypto' \
  './lib/modules/*/kernel/lib' './lib/modules/*/kernel/arch/x86/crypto' './lib/modules/*/kernel/net/wireless' './lib/modules/*/kernel/net/mac80211' \
  './lib/modules/*/kernel/net/rfkill' './lib/modules/*/kernel/drivers/virtio' './lib/modules/*/mac80211_hwsim.ko' './lib/modules/*/modules.builtin'
rm -rf "$folder/boot" "$folder/lib"
mv "$work/tree/boot" "$work/tree/lib" "$folder/"
