#!/usr/bin/env bash
# Trains a model from nothing: Python, pictures, architecture, training, export, int8, evaluation.
#   training/run.sh [--smoke] [OPTION VALUE]… [-- ARGUMENT-OF-train.py…]
#     --name NAME               models/NAME, in int8                      default: ssd-mobilenet-v1-sim
#     --architecture NAME       of `sightline models build`               default: ssd-mobilenet-v1
#     --width W  --size S       of the architecture                       default: 0.5 300
#     --pictures N              to train on                               default: 14000
#     --held-out-pictures N     to evaluate on                            default: 1000
#     --minutes M               of training                               default: 70
#     --seed N                  of weights and order                      default: 1
#     --data DIR --held-out DIR COCO-format folders instead of rendered pictures
#     --built DIR               folder of `models build` instead of building one
#     --models DIR --work DIR   where results and intermediate files go   default: models out/training/NAME
# Environment: PYTHON (a ready interpreter instead of .venv/training), SIGHTLINE_BINARY, PROFILE (of
# cargo: release).
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=training/environment.sh
. training/environment.sh

name=ssd-mobilenet-v1-sim architecture=ssd-mobilenet-v1 width=0.5 size=300 pictures=14000 held_out_pictures=1000
minutes=70 seed=1 data='' held_out='' built='' models=models work='' smoke='' extra=()
if [ "${1:-}" = --smoke ]; then
  shift
  smoke=1 name=smoke width=0.25 size=128 pictures=60 held_out_pictures=20 models=out/training/smoke/models
  # Counted in steps and not in minutes, so that a busy machine is no reason to fail.
  extra=(--batch 8 --log-seconds 0 --ema 0.95)
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
if [ -n "$smoke" ]; then rm -rf "$work"; fi # nothing of an earlier version's
mkdir -p "$work"

# rendered FOLDER COUNT FIRST_SEED: pictures of the simulated cameras, unless they are there. The count is part of the
# folder's name, so that another count is rendered anew.
rendered() {
  if [ -f "$1/annotations.json" ]; then say "$1 is there"; return; fi
  say "rendering $2 pictures into $1"
  rm -rf "$1"
  from_sim render_dataset "$1" "$2" "$3"
}

class_file() {
  $PYTHON - "$data/annotations.json" <<'PYTHON'
import json, sys
print("???", *(c["name"] for c in json.load(open(sys.argv[1], encoding="utf-8"))["categories"]), sep="\n")
PYTHON
}

training_environment
sightline_program
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

length=(--minutes "$minutes")
if [ -n "$smoke" ]; then length=(--epochs 20); fi
say "training: ${length[*]}"
$PYTHON training/train.py --data "$data" --held-out "$held_out" --model "$built" --out "$work/run" --name "$name" \
  "${length[@]}" --seed "$seed" --binary "$SIGHTLINE_BINARY" "${extra[@]}"

source="training/run.sh: trained from random weights on rendered pictures, seed $seed"
fp32=$work/float32 int8=$models/$name
$PYTHON training/export.py --model "$built" --checkpoint "$work/run/checkpoint.pt" --out "$fp32" --name float32 --source "$source"
$PYTHON training/quantize.py --model "$fp32" --data "$data" --out "$int8" --name "$name" --source "$source, int8 by training/quantize.py"
$PYTHON training/curves.py "$work/run/log.jsonl" "$int8/curves.svg"
$PYTHON training/evaluate.py --binary "$SIGHTLINE_BINARY" --data "$held_out" "$fp32/model.yaml" "$int8/model.yaml" | tee "$work/evaluation.md"
if [ -n "$smoke" ]; then
  $PYTHON training/smoke.py --log "$work/run/log.jsonl" --fp32 "$fp32" --int8 "$int8" --data "$held_out"
fi
say "done: $fp32, $int8"
