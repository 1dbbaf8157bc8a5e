#!/usr/bin/env bash
# Grades a class with GNU parallel, on one machine or on several, and merges the results.
#
#   grade.sh SUBMISSIONS RESULTS [SHARDS]
#
# SHARDS    how many parts the class is cut into         [8]
# COURSE    the course file                              [none]
# JOBS      submissions at the same time in one part     [1]
# PARALLEL_OPTIONS, parted by spaces, go to parallel: "--jobs 4", or "--sshloginfile hosts --workdir ." where osmem and all folders
# are under the same names on every host.
set -euo pipefail

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  echo "usage: grade.sh SUBMISSIONS RESULTS [SHARDS]" >&2
  exit 2
fi
submissions=$(realpath -- "$1")
mkdir -p -- "$2"
results=$(realpath -- "$2")
shards=${3:-8}
course=()
if [ -n "${COURSE:-}" ]; then
  course=(--course "$(realpath -- "$COURSE")")
fi
read -ra more <<<"${PARALLEL_OPTIONS:-}"

# A shell of each part's own: 1 says that some submission failed, which is no failure of the part. --resume: what an earlier, broken
# run has graded is kept.
# shellcheck disable=SC2016 # The parameters are those of that shell.
part='shard=$1 shards=$2 submissions=$3 results=$4 jobs=$5; shift 5
osmem grade --batch "$submissions" --partition "slice:$shard/$shards" --out "$results/shard-$shard" -j "$jobs" --resume "$@" || [ $? -eq 1 ]'
parallel --quote "${more[@]}" bash -c "$part" part {} "$shards" "$submissions" "$results" "${JOBS:-1}" "${course[@]}" \
  ::: $(seq "$shards")

parts=()
for shard in $(seq "$shards"); do
  parts+=("$results/shard-$shard")
done
osmem merge "${parts[@]}" --out "$results/all" || [ $? -eq 1 ]
