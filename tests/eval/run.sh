#!/usr/bin/env bash
# mAP of `sightline detect` over ../shared/eval, beside the reference figures. `make eval` builds first.
#   tests/eval/run.sh [MODEL…]        default: ssd-mobilenet-v1-coco ssd-mobilenet-v1-coco-int8
set -euo pipefail
cd "$(dirname "$0")/../.."
shared=${SIGHTLINE_SHARED:-$(realpath -m ../shared)}
binary=${SIGHTLINE_BINARY:-target/release/sightline}
export SIGHTLINE_MODELS=${SIGHTLINE_MODELS:-$shared/models}

if [ ! -f "$shared/eval/annotations.json" ]; then
  echo "eval: SKIPPED: no labelled pictures in $shared/eval (they are not part of the project)" >&2
  exit 0
fi
if [ ! -x .venv/eval/bin/python ]; then
  echo "eval: making .venv/eval" >&2
  python3 -m venv .venv/eval
fi
.venv/eval/bin/python -c 'import pycocotools' 2>/dev/null || .venv/eval/bin/pip install --quiet --disable-pip-version-check -r tests/eval/requirements.txt
exec .venv/eval/bin/python tests/eval/evaluate.py --binary "$binary" --eval "$shared/eval" "$@"
