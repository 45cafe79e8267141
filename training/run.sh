#!/usr/bin/env bash
# Trains a model from nothing: Python, pictures, architecture, training, export, int8, evaluation.
#   training/run.sh [--smoke] [OPTION VALUE]… [-- ARGUMENT-OF-train.py…]
#     --name NAME               models/NAME and models/NAME-int8          default: sightline-scenes
#     --architecture NAME       of `sightline models build`               default: ssd-mobilenet-v1
#     --width W  --size S       of the architecture                       default: 0.5 300
#     --pictures N              to train on                               default: 12000
#     --held-out-pictures N     to evaluate on                            default: 500
#     --minutes M               of training                               default: 70
#     --seed N                  of weights and order                      default: 1
#     --data DIR --held-out DIR COCO-format folders instead of rendered pictures
#     --built DIR               folder of `models build` instead of building one
#     --models DIR --work DIR   where results and intermediate files go   default: models out/training/NAME
# Environment: PYTHON (a ready interpreter instead of .venv/training), SIGHTLINE_BINARY, CARGO.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'training: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

name=sightline-scenes architecture=ssd-mobilenet-v1 width=0.5 size=300 pictures=12000 held_out_pictures=500
minutes=70 seed=1 data='' held_out='' built='' models=models work='' smoke='' extra=()
if [ "${1:-}" = --smoke ]; then
  shift
  smoke=1 name=smoke width=0.25 size=128 pictures=60 held_out_pictures=20 minutes=0.5 models=out/training/smoke/models
  extra=(--batch 8 --log-seconds 1 --ema 0.95)
fi
while [ $# -gt 0 ]; do
  case $1 in
    --name | --architecture | --width | --size | --pictures | --held-out-pictures | --minutes | --seed | --data | --held-out | --built | --models | --work)
      [ $# -ge 2 ] || fail "$1 needs a value"
      variable=${1#--}
      printf -v "${variable//-/_}" %s "$2"
      shift 2
      ;;
    --) shift; extra+=("$@"); break ;;
    *) fail "unknown option $1; the head of training/run.sh lists them" ;;
  esac
done
work=${work:-out/training/$name}
mkdir -p "$work"

environment() {
  if [ -n "${PYTHON:-}" ]; then return; fi
  PYTHON=.venv/training/bin/python
  if [ ! -x $PYTHON ]; then
    say "making .venv/training"
    python3 -m venv .venv/training
  fi
  if ! cmp -s training/requirements.txt .venv/training/installed.txt; then
    .venv/training/bin/pip install --quiet --disable-pip-version-check -r training/requirements.txt
    cp training/requirements.txt .venv/training/installed.txt
  fi
}

program() {
  local runtime=.runtime/onnxruntime/lib/libonnxruntime.so
  if [ -z "${ORT_DYLIB_PATH:-}" ] && [ -f $runtime ]; then export ORT_DYLIB_PATH=$PWD/$runtime; fi
  if [ -n "${SIGHTLINE_BINARY:-}" ]; then return; fi
  say "building sightline"
  ${CARGO:-cargo} build --release --locked --quiet -p sightline
  SIGHTLINE_BINARY=${CARGO_TARGET_DIR:-target}/release/sightline
}

# rendered FOLDER COUNT FIRST_SEED: pictures of the simulated cameras, unless they are there. The count is part of the
# folder's name, so that another count is rendered anew.
rendered() {
  if [ -f "$1/annotations.json" ]; then say "$1 is there"; return; fi
  say "rendering $2 pictures into $1"
  rm -rf "$1"
  ${CARGO:-cargo} run --release --locked --quiet -p sightline-sim --example render_dataset -- "$1" "$2" "$3"
}

class_file() {
  $PYTHON - "$data/annotations.json" <<'PYTHON'
import json, sys
print("???", *(c["name"] for c in json.load(open(sys.argv[1], encoding="utf-8"))["categories"]), sep="\n")
PYTHON
}

environment
program
if [ -z "$data" ]; then
  data=$work/data-$pictures
  rendered "$data" "$pictures" 1
fi
if [ -z "$held_out" ]; then
  held_out=$work/held-out-$held_out_pictures
  rendered "$held_out" "$held_out_pictures" 1000000 # seeds that the training pictures do not reach
fi
if [ -z "$built" ]; then
  built=$work/architecture
  rm -rf "$built"
  class_file >"$work/labels.txt"
  "$SIGHTLINE_BINARY" models build "$architecture" --width "$width" --size "$size" --classes "$work/labels.txt" --out "$built"
fi

say "training for $minutes minutes"
$PYTHON training/train.py --data "$data" --held-out "$held_out" --model "$built" --out "$work/run" --name "$name" \
  --minutes "$minutes" --seed "$seed" --binary "$SIGHTLINE_BINARY" "${extra[@]}"

source="training/run.sh: trained from random weights on rendered pictures, seed $seed"
fp32=$models/$name int8=$models/$name-int8
$PYTHON training/export.py --model "$built" --checkpoint "$work/run/checkpoint.pt" --out "$fp32" --name "$name" --source "$source"
$PYTHON training/quantize.py --model "$fp32" --data "$data" --out "$int8" --name "$name-int8" --source "$source, int8 by training/quantize.py"
$PYTHON training/curves.py "$work/run/log.jsonl" "$fp32/curves.svg"
cp "$work/run/log.jsonl" "$fp32/training.jsonl"
$PYTHON training/evaluate.py --binary "$SIGHTLINE_BINARY" --data "$held_out" "$fp32/model.yaml" "$int8/model.yaml" | tee "$fp32/evaluation.md"
if [ -n "$smoke" ]; then
  $PYTHON training/smoke.py --log "$work/run/log.jsonl" --fp32 "$fp32" --int8 "$int8" --data "$held_out"
fi
say "done: $fp32, $int8"
