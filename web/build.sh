#!/usr/bin/env bash
# Builds build/web/camvault-verify.html: the browser page with the verifier inside. `make web` calls it.
#
#   web/build.sh [BUILD_FOLDER]
#
# The cryptography is OpenSSL's libcrypto, as in the command line program: the source tarball of Debian's package in the
# version that this machine's libssl-dev has, fetched by apt (which checks it against the archive's signature) and
# compiled without assembler, files, threads and network. Its name, version and hash end up in BUILD_FOLDER/sources.txt
# and in the page. Debian's patches are not applied: they are not always served.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "${1:-build/web}"
build=$(cd "${1:-build/web}" && pwd)
jobs=${JOBS:-$(nproc)}
export NODE_PATH=/usr/share/nodejs  # emscripten's acorn is there, whichever node comes first in PATH

say() { printf 'camvault: %s\n' "$*"; }
die() { printf 'camvault: error: %s\n' "$*" >&2; exit 69; }
# Much output of little news: shown only when the command fails.
quietly() { local log=$1; shift; "$@" > "$log" 2>&1 || { tail -n 60 "$log" >&2; return 1; }; }

command -v emcc > /dev/null || die "emcc is not here: apt-get install emscripten"
version=$(dpkg-query -W -f '${source:Version}\n' libssl-dev 2> /dev/null | sed -n 1p)  # one line an architecture
[ -n "$version" ] || die "libssl-dev is not installed"

# Source packages from wherever this machine gets its binary ones, with lists of our own beside the system's.
fetch_openssl() {
  local apt="$build/apt" folder=$1
  mkdir -p "$apt/lists/partial" "$folder"
  apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u > "$apt/sources.list"
  [ -s "$apt/sources.list" ] || die "apt has no package index here: apt-get update brings it"
  local options=(-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$apt/lists"
                 -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache= -o Debug::NoLocking=1 -q)
  [ "$(id -u)" != 0 ] || options+=(-o APT::Sandbox::User=root)
  quietly "$apt/update.log" apt-get "${options[@]}" update
  (cd "$folder" && quietly "$apt/source.log" apt-get "${options[@]}" --download-only --tar-only --only-source source "openssl=$version")
}

# What is left out is never part of a verdict: ciphers, other protocols. All hashes and kinds of keys stay, so that a
# certificate is judged as the command line program judges it.
options=(no-asm no-threads no-shared no-pic no-engine no-dso no-module no-sock no-ui-console no-tests no-async no-afalgeng
  no-autoload-config no-stdio no-comp no-err no-idea no-mdc2 no-rc5 no-rc2 no-rc4 no-bf no-cast no-camellia no-seed no-aria
  no-whirlpool no-srp no-srtp no-ocb no-siv no-poly1305 no-chacha no-blake2 no-scrypt no-siphash enable-rfc3779
  --with-rand-seed=getrandom -D__ELF__)  # the last one makes it ask getentropy(), which emscripten takes from the browser

deps="$build/deps"
stamp="openssl $version ${options[*]} $(emcc --version | sed -n 1p)"
if [ "$(cat "$deps/stamp" 2> /dev/null)" != "$stamp" ]; then
  say "compiling OpenSSL's libcrypto $version to WebAssembly (some minutes, once)"
  work="$build/openssl"
  rm -rf "$work" "$deps"
  mkdir -p "$deps/include" "$deps/lib"
  fetch_openssl "$work"
  tarball=$(ls "$work"/openssl_*.orig.tar.gz)
  tar xf "$tarball" -C "$work"
  source_folder=$(echo "$work"/openssl-*/)
  # emcc starts Python for every file; its compiler with its options does the same in a fraction of the time.
  if command -v clang-14 > /dev/null; then compiler="clang-14 $(emcc --cflags)"; else compiler=emcc; fi
  (cd "$source_folder"
   CC="$compiler" AR=emar RANLIB=emranlib quietly "$build/openssl-configure.log" ./Configure linux-generic32 "${options[@]}"
   quietly "$build/openssl-make.log" make -j "$jobs" build_generated libcrypto.a)
  cp -r "$source_folder/include/openssl" "$deps/include/"
  cp "$source_folder/libcrypto.a" "$deps/lib/"
  (cd "$work" && printf 'openssl %s\n' "$version" && sha256sum "$(basename "$tarball")") > "$build/sources.txt"
  rm -rf "$source_folder"
  # Header libraries, without the rest of the machine's headers.
  cp -r /usr/include/tl /usr/include/nlohmann "$deps/include/"
  printf '%s\n' "$stamp" > "$deps/stamp"
fi

say "compiling the verifier to WebAssembly"
[ -f "$build/wasm/build.ninja" ] ||
  quietly "$build/configure.log" emcmake cmake -S web -B "$build/wasm" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWEB_DEPS="$deps"
cmake --build "$build/wasm" -j "$jobs" -- --quiet
python3 web/build_page.py --page web/page --module "$build/wasm/bin/verifier.js" --wasm "$build/wasm/bin/verifier.wasm" \
  --version "$(sed -n 's/^project(camvault VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)" --library "OpenSSL ${version%%-*}" \
  --out "$build/camvault-verify.html"
