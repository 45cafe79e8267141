#!/usr/bin/env bash
# Sums up what the fault suite has written in this run: faults injected, events offered, delivered, duplicated, lost, out
# of order. Fails when something was lost; each scenario has failed already then.
#   tests/fault_figures.sh begin     forgets the figures of earlier runs
#   tests/fault_figures.sh           prints them
set -euo pipefail
cd "$(dirname "$0")/.."
folder="${CARGO_TARGET_DIR:-target}/tmp/faults"

if [[ "${1:-}" == begin ]]; then
  rm -rf "$folder"
  exit
fi
if [[ ! -d "$folder" ]]; then
  echo "fault suite: no scenario has run"
  exit 1
fi
cat "$folder"/* | awk '
  BEGIN { print "\nFault suite:\n"; row("scenario", "injected", "offered", "delivered", "duplicated", "lost", "out of order") }
  function row(a, b, c, d, e, f, g) { printf "  %-28s %9s %9s %10s %11s %6s %13s\n", a, b, c, d, e, f, g }
  {
    for (i = 2; i <= NF; i++) { split($i, pair, "="); value[i] = pair[2]; sum[i] += pair[2] }
    row($1, value[2], value[3], value[4], value[5], value[6], value[7])
  }
  END { row("all", sum[2], sum[3], sum[4], sum[5], sum[6], sum[7]); exit sum[6] + sum[7] > 0 }'
