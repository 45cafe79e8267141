#!/usr/bin/env bash
# Makes anew what is told and shown of our own model: `make model-card`.
#   - the evaluation table in models/README.md, over pictures rendered with seeds that training did not reach, and, where
#     the developers' folder ../shared is, over real pictures
#   - the pictures in docs/images, one of each simulated camera, with the model's detections drawn in
#   - the reference pictures and detections that `sightline models verify` holds the model against; those of the COCO
#     models, too, where their weights are
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=training/environment.sh
. training/environment.sh
own=models/ssd-mobilenet-v1-sim
held_out=out/training/held-out-1000
frames=out/training/frames

training_environment
sightline_program
[ -f $held_out/annotations.json ] || from_sim render_dataset $held_out 1000 1000000
say "evaluating $own"
$PYTHON training/model_card.py --binary "$SIGHTLINE_BINARY" --model $own/model.yaml --held-out $held_out --readme models/README.md

say "drawing the simulated cameras"
rm -rf $frames
from_sim draw_scenes $frames 10 7
$PYTHON training/pictures.py $frames out/training/chosen docs/images/scene-%s.jpg "$SIGHTLINE_BINARY" $own/model.yaml

for model in $own models/ssd-mobilenet-v1-coco models/ssd-mobilenet-v1-coco-int8; do
  if ! "$SIGHTLINE_BINARY" models verify $model >/dev/null 2>&1 && [ $model != $own ]; then
    say "SKIPPED: the reference of $model: its weights are not here"
    continue
  fi
  rm -rf $model/reference
  mkdir -p $model/reference
  cp out/training/chosen/*.jpg $model/reference/
  # Inside the folder, so that the paths in the file are relative to it.
  (cd $model/reference && "$SIGHTLINE_BINARY" detect --model ../model.yaml ./*.jpg >detections.jsonl)
  "$SIGHTLINE_BINARY" models verify $model
done
