#!/usr/bin/env bash
# submit.sh JOB [OPTION OF SBATCH...]     verifies the clips of JOB (batch.py new) with an array of Slurm tasks
#   PARTS=40   tasks of the array (Slurm's MaxArraySize is 1001 unless configured)
#   TRIES=10   how often what has no result is submitted again: workers are lost with their nodes, or killed
# Writes JOB/summary.json and ends with its exit code.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
batch=$here/../batch.py
[ $# -gt 0 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 64; }
job=$(realpath "$1")
shift
mkdir -p "$job/log"
before=
for ((try = 1; try <= ${TRIES:-10}; try++)); do
  left=$(python3 "$batch" list "$job" | wc -l)
  [ "$left" -gt 0 ] || break
  [ "$left" != "$before" ] || sleep 5 # nothing came of it: a controller may be away
  before=$left
  echo "submit.sh: $left clips without a result, try $try"
  parts=$((left < ${PARTS:-40} ? left : ${PARTS:-40}))
  # What sbatch ends with says whether all workers came to their end; what counts are the results.
  sbatch --wait --quiet --array="0-$((parts - 1))" --chdir="$job" --output="$job/log/%A_%a" "$@" \
    "$here/verify.sbatch" "$here/../batch.py" "$job" || true
done
python3 "$batch" summary "$job" --out "$job/summary.json"
