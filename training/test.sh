#!/usr/bin/env bash
# The training's own tests, and its smoke run: part of `make test`. SIGHTLINE_SKIP_TRAINING=1 leaves both out.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=training/environment.sh
. training/environment.sh
if [ "${SIGHTLINE_SKIP_TRAINING:-}" = 1 ]; then
  say "SKIPPED: the tests of training (SIGHTLINE_SKIP_TRAINING=1)"
  exit 0
fi
training_environment
(cd training && "$PYTHON" -m unittest discover --quiet -t . -s tests)
# What `cargo test` has built just now; optimising it would take longer than it saves.
PROFILE=dev SIGHTLINE_BINARY=$(realpath "${CARGO_TARGET_DIR:-target}/debug/sightline") PYTHON=$PYTHON training/run.sh --smoke
