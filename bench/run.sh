#!/usr/bin/env bash
# Runs every benchmark that was built (`make bench`). CAMVAULT_ONVIF_BENCH=PATH and CAMVAULT_AXIS_BENCH=PATH name programs
# that measure ONVIF's reference framework and Axis' framework with the same clips (docs/performance.md says what they have
# to print); CAMVAULT_ESTSERVER=PATH starts another EST server (bench/enrolment_bench.py says how).
#   bench/run.sh [BUILD_FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
clips=build/bench-clips

echo "machine: $(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2- | xargs || uname -m), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
echo "versions: $(openssl version), Linux $(uname -r), $(c++ --version | head -n 1)"
status=0
for program in "$build"/bench/bench_*; do
  [ -x "$program" ] || continue
  echo
  echo "== ${program##*/bench_}"
  case "$program" in
    */bench_signed_video)
      bench/make_clips.sh "$clips"
      "$program" "$clips" || status=1 ;;
    *) "$program" || status=1 ;;
  esac
done
if [ -x "$build/bench/enrolment_cameras" ]; then
  echo
  echo "== enrolment"
  python3 bench/enrolment_bench.py "$build" || status=1
fi
exit "$status"
