#!/bin/bash
# profile.sh SIGHTLINE OUT.svg: a flame graph of eight simulated cameras going through the whole pipeline. See docs/performance.md.
set -euo pipefail
sightline=$1 out=$2 here=$(cd "$(dirname "$0")" && pwd)
command -v perf >/dev/null || { echo "profile: perf is not installed: apt-get install linux-perf" >&2; exit 69; }
samples=$(mktemp) && trap 'rm -f "$samples"; kill %1 2>/dev/null || true' EXIT
"$sightline" bench --cameras 8 --window 15 >/dev/null &
# The child that watches the cameras is the pipeline; it is there once they are encoded and served.
for _ in $(seq 120); do pid=$(pgrep -f -- '--in-child[= ]watch' | head -1) && break; sleep 0.5; done
[ -n "${pid:-}" ] || { echo "profile: the bench has not begun" >&2; exit 70; }
sleep 4
perf record -q -o "$samples" --call-graph dwarf,4096 -F 99 -p "$pid" -- sleep 8 2>/dev/null
perf script -i "$samples" -F comm,ip,sym,dso 2>/dev/null | "$here/flamegraph.py" >"$out"
wait %1
