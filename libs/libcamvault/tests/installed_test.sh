#!/usr/bin/env bash
# installed_test.sh BUILD SOURCE: installs into a folder of its own, builds examples/c there as a user would, signs a
# clip with it, verifies it, alters it, and does the same with the static library and in C++.
set -euo pipefail
build=$1
source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --build "$build" --target programs -j "$(nproc)" > "$folder/build.log" 2>&1 || { tail -n 40 "$folder/build.log"; exit 1; }
DESTDIR="$folder/root" cmake --install "$build" --prefix /usr/local > "$folder/install.log" 2>&1 || { tail -n 40 "$folder/install.log"; exit 1; }

pc=$(find "$folder/root" -name camvault.pc)
[ -n "$pc" ] || { echo "no camvault.pc was installed"; exit 1; }
export PKG_CONFIG_PATH="${pc%/*}"
library=$(dirname "$(find "$folder/root" -name 'libcamvault.so')")
cc=${CC:-cc}
flags=(-std=c11 -Wall -Wextra -Wpedantic -Werror)
read -ra from_pkgconfig <<< "$(pkg-config --cflags --libs camvault)"
"$cc" "${flags[@]}" -o "$folder/verify" "$source/examples/c/verify.c" "${from_pkgconfig[@]}"
"$cc" "${flags[@]}" -o "$folder/sign" "$source/examples/c/sign.c" "${from_pkgconfig[@]}" -lcrypto -pthread
# The archive: everything inside, nothing of the shared library.
read -ra static_flags <<< "$(pkg-config --static --cflags camvault) $library/libcamvault.a -lcrypto -lstdc++ -lm -pthread"
"$cc" "${flags[@]}" -o "$folder/verify_static" "$source/examples/c/verify.c" "${static_flags[@]}"
if ldd "$folder/verify_static" | grep camvault; then echo "the static program needs the shared library"; exit 1; fi
# The header alone, as C11 and as C++.
printf '#include <camvault/camvault.h>\nint main(void) { return camvault_version() == 0; }\n' > "$folder/header.c"
"$cc" "${flags[@]}" -fsyntax-only $(pkg-config --cflags camvault) "$folder/header.c"
"${CXX:-c++}" -std=c++11 -Wall -Wextra -Wpedantic -Werror -x c++ -fsyntax-only $(pkg-config --cflags camvault) "$folder/header.c"

# A test picture by ffmpeg, a root and a camera by openssl.
cd "$folder"
ffmpeg -nostdin -hide_banner -loglevel error -f lavfi -i testsrc2=size=320x180:rate=25 -t 4 -c:v libx264 -g 25 -bf 0 -f h264 in.h264
openssl ecparam -name prime256v1 -genkey -noout -out root.key 2> openssl.log
openssl req -x509 -new -key root.key -subj "/O=Example/CN=Root" -days 10 -out root.pem 2>> openssl.log
openssl ecparam -name prime256v1 -genkey -noout -out camera.key 2>> openssl.log
openssl req -new -key camera.key -subj "/O=Example/CN=Camera/serialNumber=0001" -out camera.csr 2>> openssl.log
printf 'keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n' > camera.ext
openssl x509 -req -in camera.csr -CA root.pem -CAkey root.key -set_serial 7 -days 5 -extfile camera.ext -out camera.pem 2>> openssl.log
export LD_LIBRARY_PATH="$library"

expect() {  # expect STATUS COMMAND...
  local wanted=$1 got=0
  shift
  "$@" || got=$?
  [ "$got" -eq "$wanted" ] || { echo "$1 gave $got, not $wanted: $*"; exit 1; }
}
expect 1 ./verify in.h264
expect 0 ./sign file camera.key camera.pem in.h264 out.h264
expect 0 ./verify out.h264 root.pem
expect 0 ./verify_static out.h264 root.pem
# Another root does not vouch for it.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout other.key -subj "/CN=Other" -days 10 -out other.pem 2>> openssl.log
expect 1 ./verify out.h264 other.pem
# One bit of one picture: in the middle of the longest unit.
python3 - <<'PY'
data = open("out.h264", "rb").read()
longest = max(data.split(b"\0\0\1"), key=len)
at = data.index(longest) + len(longest) // 2
while data[at] < 8:  # leaves start codes alone
    at += 1
open("forged.h264", "wb").write(data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])
PY
expect 1 ./verify forged.h264 root.pem > forged.txt
grep -q "1 picture was altered" forged.txt
expect 65 ./verify camera.pem 2> error.txt
expect 64 ./verify 2> error.txt
expect 69 sh -c './sign keystore "$PWD/no.sock" camera/key camera.pem in.h264 none.h264 2> error.txt || exit 69'
grep -q 'no.sock\|keystore' error.txt
if [ -e none.h264 ]; then echo "a clip was written without a key"; exit 1; fi
echo "examples built against $("$cc" --version | head -n 1), camvault $(pkg-config --modversion camvault)"
